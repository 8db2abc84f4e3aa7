package management_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// outside is the world as tests want it: texts by the name of a record, with a
// dot, or by URL.
type outside struct {
	mu    sync.Mutex
	texts map[string]string
	// asked are the names and URLs that were asked for.
	asked  []string
	before func()
}

func (o *outside) option(c *server.Config) {
	c.Resolver, c.HTTPClient = o, &http.Client{Transport: o}
}

// publish says a text in one place, and nothing in any other.
func (o *outside) publish(place, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = nil
	o.texts = map[string]string{place: text}
}

// interrupt has f called before each answer, if it is not nil.
func (o *outside) interrupt(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before = f
}

// places returns what was asked for since something was published.
func (o *outside) places() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

func (o *outside) answer(place string) (string, bool) {
	o.mu.Lock()
	before := o.before
	o.asked = append(o.asked, place)
	text, known := o.texts[place]
	o.mu.Unlock()
	if before != nil {
		before()
	}
	return text, known
}

// LookupTXT answers as DNS does.
func (o *outside) LookupTXT(_ context.Context, name string) ([]string, error) {
	if text, known := o.answer(name); known {
		return []string{"v=spf1 -all", text}, nil
	}
	return nil, errors.New("no such host")
}

// RoundTrip answers as the web does.
func (o *outside) RoundTrip(r *http.Request) (*http.Response, error) {
	text, known := o.answer(r.URL.String())
	if !known {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(bytes.NewReader([]byte(text)))}, nil
}

func generate(t *testing.T, c *servertest.Caller, name string, by orgv1.DomainValidationType) *managementv1.GenerateOrgDomainValidationResponse {
	t.Helper()
	return servertest.OK(c.Management.GenerateOrgDomainValidation(t.Context(), &managementv1.GenerateOrgDomainValidationRequest{Domain: name, Type: by}))(t)
}

func validate(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Management.ValidateOrgDomain(t.Context(), &managementv1.ValidateOrgDomainRequest{Domain: name})
	return err
}

// claimed returns a domain of the organization.
func claimed(t *testing.T, c *servertest.Caller, name string) *orgv1.Domain {
	t.Helper()
	found := servertest.OK(c.Management.ListOrgDomains(t.Context(), &managementv1.ListOrgDomainsRequest{
		Queries: []*orgv1.DomainSearchQuery{named(zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, name)},
	}))(t).GetResult()
	if len(found) != 1 {
		t.Fatalf("the domains are %v", found)
	}
	return found[0]
}

const (
	byHTTP = orgv1.DomainValidationType_DOMAIN_VALIDATION_TYPE_HTTP
	byDNS  = orgv1.DomainValidationType_DOMAIN_VALIDATION_TYPE_DNS
	failed = "organization_domain.validation_failed"
)

func TestValidateOrgDomain(t *testing.T) {
	world := &outside{}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		setDomainPolicy(t, s, i, i.ID, `{"validateOrgDomains":true}`)
		changes := uint64(5)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for by, place := range map[orgv1.DomainValidationType]func(token, domain string) string{
				byDNS: func(_, domain string) string { return "_zitadel-challenge." + domain },
				byHTTP: func(token, domain string) string {
					return "https://" + domain + "/.well-known/zitadel-challenge/" + token + ".txt"
				},
			} {
				name := strings.ToLower(c.Name(by.String()[len("DOMAIN_VALIDATION_TYPE_"):])) + ".example"
				must(t, addDomain(t, c, name))
				asked := generate(t, c, strings.ToUpper(name), by)
				changes += 2
				if len(asked.GetToken()) < 32 || asked.GetUrl() != place(asked.GetToken(), name) {
					t.Errorf("%s is to be published at %s", asked.GetToken(), asked.GetUrl())
				}
				s.Equal(t, claimed(t, c, name), &orgv1.Domain{
					OrgId: i.OrganizationID, Details: details(changes, i.OrganizationID), DomainName: name, ValidationType: by,
				})
				world.publish("", "")
				servertest.Refused(t, validate(t, c, name), connect.CodeFailedPrecondition, failed)
				changes++ // the failure is told by the history

				where := asked.GetUrl()
				if by == byDNS {
					where += "."
				}
				world.publish(where, asked.GetToken())
				got := servertest.OK(c.Management.ValidateOrgDomain(t.Context(), &managementv1.ValidateOrgDomainRequest{Domain: name}))(t)
				changes++
				s.Equal(t, got, &managementv1.ValidateOrgDomainResponse{Details: details(changes, i.OrganizationID)})
				s.Equal(t, claimed(t, c, name), &orgv1.Domain{
					OrgId: i.OrganizationID, Details: details(changes, i.OrganizationID), DomainName: name, IsVerified: true, ValidationType: by,
				})
				servertest.Refused(t, validate(t, c, name), connect.CodeFailedPrecondition, "organization_domain.verified")
				_, err := c.Management.GenerateOrgDomainValidation(t.Context(), &managementv1.GenerateOrgDomainValidationRequest{Domain: name, Type: by})
				servertest.Refused(t, err, connect.CodeFailedPrecondition, "organization_domain.verified")
			}
		})
	}, world.option)
}

// What is published has to be the newest token, the whole of it, and there.
func TestWhatProvesADomain(t *testing.T) {
	const name = "shop.example"
	world := &outside{}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		setDomainPolicy(t, s, i, i.ID, `{"validateOrgDomains":true}`)
		must(t, addDomain(t, i.Owner, name))
		generateOf := func(domain string, by orgv1.DomainValidationType) error {
			_, err := i.Owner.Management.GenerateOrgDomainValidation(t.Context(), &managementv1.GenerateOrgDomainValidationRequest{Domain: domain, Type: by})
			return err
		}
		checkRefusals(t, map[string]refusal{
			"nothing was generated": {validate(t, i.Owner, name), connect.CodeFailedPrecondition, "organization_domain.validation_missing"},
			"unknown":               {validate(t, i.Owner, "unknown.example"), connect.CodeNotFound, "organization_domain.unknown"},
			"no host name":          {validate(t, i.Owner, "a b"), connect.CodeInvalidArgument, "domain.invalid"},
			"generate, unknown":     {generateOf("unknown.example", byDNS), connect.CodeNotFound, "organization_domain.unknown"},
			"generate, no type":     {generateOf(name, 0), connect.CodeInvalidArgument, "request.invalid"},
			"generate, another":     {generateOf(name, 3), connect.CodeInvalidArgument, "request.invalid"},
			"generate, verified":    {generateOf("acme.acme.test", byDNS), connect.CodeFailedPrecondition, "organization_domain.verified"},
		})
		old := generate(t, i.Owner, name, byDNS)
		token := generate(t, i.Owner, name, byDNS).GetToken()
		if old.GetToken() == token {
			t.Error("the token is the same again")
		}
		const record = "_zitadel-challenge." + name + "."
		for what, text := range map[string]string{
			"the old one": old.GetToken(), "a part": token[1:], "more": token + "x", "a line": token + "\n",
			"nothing": "", "other case": strings.ToUpper(token),
		} {
			world.publish(record, text)
			t.Run("dns, "+what, func(t *testing.T) {
				servertest.Refused(t, validate(t, i.Owner, name), connect.CodeFailedPrecondition, failed)
			})
		}
		world.publish(name+".", token) // in the wrong place
		err := validate(t, i.Owner, name)
		servertest.Refused(t, err, connect.CodeFailedPrecondition, failed)
		if err == nil || !strings.Contains(err.Error(), "_zitadel-challenge."+name) || !strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "no such host") {
			t.Errorf("the caller is told %v", err)
		}
	}, world.option)
}

// A text has to be the token and nothing else; a host without TLS is asked too.
func TestWhatProvesADomainByHTTP(t *testing.T) {
	const name = "shop.example"
	world := &outside{}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		setDomainPolicy(t, s, i, i.ID, `{"validateOrgDomains":true}`)
		must(t, addDomain(t, i.Owner, name))
		old := generate(t, i.Owner, name, byHTTP)
		asked := generate(t, i.Owner, name, byHTTP)
		world.publish("_zitadel-challenge."+name+".", asked.GetToken()) // by the way that was not chosen
		servertest.Refused(t, validate(t, i.Owner, name), connect.CodeFailedPrecondition, failed)
		for what, text := range map[string]string{
			"the old one": old.GetToken(), "a part": asked.GetToken()[1:], "more": asked.GetToken() + " x", "before": " " + asked.GetToken(), "a page": "<html>" + asked.GetToken(),
		} {
			world.publish(asked.GetUrl(), text)
			t.Run("http, "+what, func(t *testing.T) {
				servertest.Refused(t, validate(t, i.Owner, name), connect.CodeFailedPrecondition, failed)
			})
		}
		// Editors end the last line.
		plain := "http" + strings.TrimPrefix(asked.GetUrl(), "https")
		world.publish(plain, asked.GetToken()+"\r\n")
		must(t, validate(t, i.Owner, name))
		if places := world.places(); !slices.Equal(places, []string{asked.GetUrl(), plain}) {
			t.Errorf("it was asked for %q", places)
		}
	}, world.option)
}

// While the world is asked, everything may change.
func TestValidateWhileOthersChange(t *testing.T) {
	const name = "shop.example"
	world := &outside{}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.Owner.In(i.NewOrganization(t, "Second"))
		setDomainPolicy(t, s, i, i.OrganizationID, `{"validateOrgDomains":true}`)
		for meanwhile, test := range map[string]struct {
			do   func()
			code connect.Code
			id   string
		}{
			"another token":   {func() { generate(t, i.Owner, name, byDNS) }, connect.CodeFailedPrecondition, "organization_domain.validation_replaced"},
			"another's":       {func() { must(t, addDomain(t, second, name)) }, connect.CodeAlreadyExists, "organization_domain.taken"},
			"removed":         {func() { must(t, removeDomain(t, i.Owner, name)) }, connect.CodeNotFound, "organization_domain.unknown"},
			"removed, added":  {func() { must(t, removeDomain(t, i.Owner, name)); must(t, addDomain(t, i.Owner, name)) }, connect.CodeFailedPrecondition, "organization_domain.validation_missing"},
			"nothing changed": {nil, 0, ""},
		} {
			t.Run(meanwhile, func(t *testing.T) {
				must(t, addDomain(t, i.Owner, name))
				asked := generate(t, i.Owner, name, byDNS)
				world.publish(asked.GetUrl()+".", asked.GetToken())
				world.interrupt(test.do)
				err := validate(t, i.Owner, name)
				world.interrupt(nil)
				if test.code != 0 {
					servertest.Refused(t, err, test.code, test.id)
				} else if err != nil || !claimed(t, i.Owner, name).GetIsVerified() {
					t.Errorf("the domain is not verified: %v", err)
				}
				for _, c := range []*servertest.Caller{i.Owner, second} {
					must(t, ignore(removeDomain(t, c, name), connect.CodeNotFound))
				}
			})
		}
	}, world.option)
}

// A server asks nobody beside it, and does not tell what it met.
func TestValidateAsksNoPrivateAddress(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		setDomainPolicy(t, s, i, i.ID, `{"validateOrgDomains":true}`)
		must(t, addDomain(t, i.Owner, "localhost"))
		asked := generate(t, i.Owner, "localhost", byHTTP)
		err := validate(t, i.Owner, "localhost")
		servertest.Refused(t, err, connect.CodeFailedPrecondition, failed)
		if err == nil || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), asked.GetUrl()) {
			t.Errorf("the caller is told %v", err)
		}
	})
}
