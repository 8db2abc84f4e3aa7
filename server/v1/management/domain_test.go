package management_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// setDomainPolicy decides on domains for an instance or organization, behind
// the back of the server.
func setDomainPolicy(t *testing.T, s *servertest.Server, i servertest.Tenant, ownerID, settings string) {
	t.Helper()
	s.Exec(t, `INSERT INTO policies (instance_id, owner_id, kind, settings, sequence, created_at, changed_at)
		VALUES ('`+i.ID+`', '`+ownerID+`', 'domain', '`+settings+`', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`)
}

func addDomain(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Management.AddOrgDomain(t.Context(), &managementv1.AddOrgDomainRequest{Domain: name})
	return err
}

func setPrimary(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Management.SetPrimaryOrgDomain(t.Context(), &managementv1.SetPrimaryOrgDomainRequest{Domain: name})
	return err
}

func removeDomain(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Management.RemoveOrgDomain(t.Context(), &managementv1.RemoveOrgDomainRequest{Domain: name})
	return err
}

func named(method zitadelv1.TextQueryMethod, name string) *orgv1.DomainSearchQuery {
	return &orgv1.DomainSearchQuery{Query: &orgv1.DomainSearchQuery_DomainNameQuery{DomainNameQuery: &orgv1.DomainNameQuery{Name: name, Method: method}}}
}

func TestOrgDomains(t *testing.T) {
	const first = "acme.acme.test"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(5)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("shop") + ".example"
			changes += 2 // added, verified
			added := servertest.OK(c.Management.AddOrgDomain(t.Context(), &managementv1.AddOrgDomainRequest{Domain: strings.ToUpper(name)}))(t)
			s.Equal(t, added, &managementv1.AddOrgDomainResponse{Details: details(changes, i.OrganizationID)})
			servertest.Refused(t, addDomain(t, c, name), connect.CodeAlreadyExists, "organization_domain.exists")

			list := servertest.OK(c.Management.ListOrgDomains(t.Context(), &managementv1.ListOrgDomainsRequest{
				Queries: []*orgv1.DomainSearchQuery{named(zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, name)},
			}))(t)
			s.Equal(t, list, &managementv1.ListOrgDomainsResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1},
				Result:  []*orgv1.Domain{{OrgId: i.OrganizationID, Details: details(changes, i.OrganizationID), DomainName: name, IsVerified: true}},
			})

			changes++
			primary := servertest.OK(c.Management.SetPrimaryOrgDomain(t.Context(), &managementv1.SetPrimaryOrgDomainRequest{Domain: name}))(t)
			s.Equal(t, primary, &managementv1.SetPrimaryOrgDomainResponse{Details: details(changes, i.OrganizationID)})
			if got := servertest.OK(c.Management.GetMyOrg(t.Context(), nil))(t).GetOrg().GetPrimaryDomain(); got != name {
				t.Errorf("the primary domain is %s", got)
			}
			servertest.Refused(t, setPrimary(t, c, name), connect.CodeFailedPrecondition, "object.unchanged")
			servertest.Refused(t, removeDomain(t, c, name), connect.CodeFailedPrecondition, "domain.primary")

			must(t, setPrimary(t, c, first))
			changes += 2
			removed := servertest.OK(c.Management.RemoveOrgDomain(t.Context(), &managementv1.RemoveOrgDomainRequest{Domain: name}))(t)
			s.Equal(t, removed, &managementv1.RemoveOrgDomainResponse{Details: details(changes, i.OrganizationID)})
			if !removed.GetDetails().GetCreationDate().AsTime().Equal(added.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the removal moved the time of creation")
			}
			servertest.Refused(t, removeDomain(t, c, name), connect.CodeNotFound, "organization_domain.unknown")
		})
	})
}

func TestOrgDomainRules(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		secondID := i.NewOrganization(t, "Second")
		second, other := i.Owner.In(secondID), s.NewInstance(t, "other")
		must(t, addDomain(t, i.Owner, "Bücher.example"))
		must(t, addDomain(t, other.Owner, "bücher.example")) // what is another instance's does not count
		setDomainPolicy(t, s, i, secondID, `{"validateOrgDomains":true}`)
		must(t, addDomain(t, second, "xn--bcher-kva.example")) // nobody has to prove what it only says
		must(t, addDomain(t, second, "mine.example"))
		must(t, addDomain(t, i.Owner, "mine.example"))
		checkRefusals(t, map[string]refusal{
			"the same":               {addDomain(t, i.Owner, "xn--bcher-kva.EXAMPLE"), connect.CodeAlreadyExists, "organization_domain.exists"},
			"said twice":             {addDomain(t, second, "mine.example"), connect.CodeAlreadyExists, "organization_domain.exists"},
			"verified by another":    {addDomain(t, i.Owner, "second.acme.test"), connect.CodeAlreadyExists, "organization_domain.taken"},
			"no host name":           {addDomain(t, i.Owner, "not a host"), connect.CodeInvalidArgument, "domain.invalid"},
			"an address":             {addDomain(t, i.Owner, "127.0.0.1"), connect.CodeInvalidArgument, "domain.invalid"},
			"with a port":            {addDomain(t, i.Owner, "a.example:80"), connect.CodeInvalidArgument, "domain.invalid"},
			"with a path":            {addDomain(t, i.Owner, "a.example/b"), connect.CodeInvalidArgument, "domain.invalid"},
			"empty":                  {addDomain(t, i.Owner, ""), connect.CodeInvalidArgument, "request.invalid"},
			"long":                   {addDomain(t, i.Owner, strings.Repeat("a.", 100)+"b"), connect.CodeInvalidArgument, "request.invalid"},
			"unverified as primary":  {setPrimary(t, second, "mine.example"), connect.CodeFailedPrecondition, "organization_domain.unverified"},
			"another's as primary":   {setPrimary(t, second, "acme.acme.test"), connect.CodeNotFound, "organization_domain.unknown"},
			"remove another's":       {removeDomain(t, second, "acme.acme.test"), connect.CodeNotFound, "organization_domain.unknown"},
			"remove what is no name": {removeDomain(t, second, "-"), connect.CodeInvalidArgument, "domain.invalid"},
		})
		must(t, removeDomain(t, second, "mine.example"))
		if got := list(t, second); !slices.Equal(got, []string{"second.acme.test", "xn--bcher-kva.example"}) {
			t.Errorf("the second organization has %q", got)
		}
		if got := list(t, i.Owner); !slices.Equal(got, []string{"acme.acme.test", "mine.example", "xn--bcher-kva.example"}) {
			t.Errorf("the first organization has %q", got)
		}
	})
}

// list returns the domains that match, by name.
func list(t *testing.T, c *servertest.Caller, queries ...*orgv1.DomainSearchQuery) (names []string) {
	t.Helper()
	answer := servertest.OK(c.Management.ListOrgDomains(t.Context(), &managementv1.ListOrgDomainsRequest{Query: &zitadelv1.ListQuery{Asc: true}, Queries: queries}))(t)
	for _, d := range answer.GetResult() {
		names = append(names, d.GetDomainName())
	}
	if total := answer.GetDetails().GetTotalResult(); total != uint64(len(names)) {
		t.Errorf("%d domains of %d", len(names), total)
	}
	return names
}

func TestSearchOrgDomains(t *testing.T) {
	const a, b, c, first = "a.shop.example", "b.shop.example", "xn--bcher-kva.example", "acme.acme.test"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		must(t, addDomain(t, i.Owner.In(i.NewOrganization(t, "Second")), "second.shop.example"))
		for _, name := range []string{c, b, a} {
			must(t, addDomain(t, i.Owner, name))
		}
		for _, test := range []struct {
			method zitadelv1.TextQueryMethod
			needle string
			want   []string
		}{
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, a, []string{a}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, "A.shop.example", nil},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, "", nil},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE, "A.Shop.example", []string{a}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH, "b.", []string{b}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE, "B.", []string{b}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS, ".shop.", []string{a, b}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS, "%", nil},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS, "", []string{a, first, b, c}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE, "BCHER", []string{c}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH, ".test", []string{first}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE, ".SHOP.EXAMPLE", []string{a, b}},
		} {
			if got := list(t, i.Owner, named(test.method, test.needle)); !slices.Equal(got, test.want) {
				t.Errorf("%s %q: got %q, want %q", test.method, test.needle, got, test.want)
			}
		}
		page := servertest.OK(i.Owner.Management.ListOrgDomains(t.Context(), &managementv1.ListOrgDomainsRequest{Query: &zitadelv1.ListQuery{Offset: 1, Limit: 2}}))(t)
		if got := page.GetResult(); page.GetDetails().GetTotalResult() != 4 || len(got) != 2 || got[0].GetDomainName() != b || got[1].GetDomainName() != first {
			t.Errorf("the page is %v", page)
		}
		_, err := i.Owner.Management.ListOrgDomains(t.Context(), &managementv1.ListOrgDomainsRequest{Queries: []*orgv1.DomainSearchQuery{{}}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
	})
}

// Login names follow the domains of the organization at once.
func TestLoginNamesFollowDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		setDomainPolicy(t, s, i, i.ID, `{"userLoginMustBeDomain":true}`)
		robot := i.As(t, i.NewMachine(t, "robot"))
		check := func(want ...string) {
			t.Helper()
			got := servertest.OK(robot.Auth.GetMyUser(t.Context(), nil))(t).GetUser()
			if !slices.Equal(got.GetLoginNames(), want) || got.GetPreferredLoginName() != want[0] {
				t.Errorf("the login names are %q, want %q", got.GetLoginNames(), want)
			}
		}
		check("robot@acme.acme.test")
		must(t, addDomain(t, i.Owner, "b.example"))
		must(t, addDomain(t, i.Owner, "a.example"))
		check("robot@acme.acme.test", "robot@a.example", "robot@b.example")
		must(t, setPrimary(t, i.Owner, "b.example"))
		check("robot@b.example", "robot@a.example", "robot@acme.acme.test")
		must(t, removeDomain(t, i.Owner, "acme.acme.test"))
		check("robot@b.example", "robot@a.example")
		setDomainPolicy(t, s, i, i.OrganizationID, `{"userLoginMustBeDomain":true,"validateOrgDomains":true}`)
		must(t, addDomain(t, i.Owner, "unproved.example"))
		check("robot@b.example", "robot@a.example")
	})
}

// Of two organizations that take the same domain at once one has it, and of
// two callers who make another domain primary one stays so.
func TestOrgDomainsAtOnce(t *testing.T) {
	const rounds = 8
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		callers := []*servertest.Caller{i.Owner, i.Owner.In(i.NewOrganization(t, "Second"))}
		for round := range rounds {
			name := fmt.Sprintf("n%d.example", round)
			errs := make([]error, len(callers))
			atOnce(len(callers), func(n int) { errs[n] = addDomain(t, callers[n], name) })
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("both ended with %v", errs)
			}
			servertest.Refused(t, errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })], connect.CodeAlreadyExists, "organization_domain.taken")
		}
		names := []string{"a.example", "b.example", "c.example"}
		for _, name := range names {
			must(t, addDomain(t, i.Owner, name))
		}
		for range rounds {
			atOnce(len(names), func(n int) {
				if err := ignore(setPrimary(t, i.Owner, names[n]), connect.CodeFailedPrecondition); err != nil {
					t.Error(err)
				}
			})
			primary := 0
			for _, d := range servertest.OK(i.Owner.Management.ListOrgDomains(t.Context(), nil))(t).GetResult() {
				if d.GetIsPrimary() {
					primary++
				}
			}
			if primary != 1 {
				t.Fatalf("%d domains are primary", primary)
			}
		}
	})
}
