package system_test

import (
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// create makes an instance and returns its domains, and its first organization
// as its owner reads it.
func create(t *testing.T, s *servertest.Server, request *systemv1.CreateInstanceRequest) ([]*instancev1.Domain, *orgv1.Org) {
	t.Helper()
	system := s.AsSystem(t)
	made := servertest.OK(system.System.CreateInstance(t.Context(), request))(t)
	domains := servertest.OK(system.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: made.GetInstanceId()}))(t).GetInstance().GetDomains()
	org := servertest.OK(s.As(made.GetPat()).On(domains[0].GetDomain()).Management.GetMyOrg(t.Context(), nil))(t).GetOrg()
	if org.GetId() != made.GetDetails().GetResourceOwner() {
		t.Errorf("the owner is in organization %s, the answer names %s", org.GetId(), made.GetDetails().GetResourceOwner())
	}
	return domains, org
}

// Whatever an instance is called, it gets a generated domain, and its first
// organization one below the custom or the external domain.
func TestNamesBecomeDomains(t *testing.T) {
	const label = `[a-z0-9]([a-z0-9-]*[a-z0-9])?`
	long := strings.Repeat("Ab ", 66)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, test := range []struct {
			name, org, slug, orgSlug string
		}{
			{"ACME", "", "acme", "acme"},
			{"ACME", "The First, Ltd.", "acme", "the-first-ltd"},
			{"日本語", "", "instance", "org"},
			{"--- ! ---", "", "instance", "org"},
			{"Straße 7", "Ünder", "stra-e-7", "nder"},
			{"a..b", "x__y", "a-b", "x-y"},
			{long, "", strings.TrimRight(strings.Repeat("ab-", 19)[:56], "-"), strings.Repeat("ab-", 21)[:62]},
		} {
			domains, org := create(t, s, &systemv1.CreateInstanceRequest{InstanceName: test.name, FirstOrgName: test.org, Owner: machine()})
			if len(domains) != 1 || !domains[0].GetGenerated() || !domains[0].GetPrimary() {
				t.Errorf("%q has the domains %v", test.name, domains)
			}
			first, _, _ := strings.Cut(domains[0].GetDomain(), ".")
			if !regexp.MustCompile(`^`+regexp.QuoteMeta(test.slug)+`-[a-z0-9]{6}\.localhost$`).MatchString(domains[0].GetDomain()) ||
				len(first) > 63 || !regexp.MustCompile(`^`+label+`$`).MatchString(first) {
				t.Errorf("%q has the domain %s", test.name, domains[0].GetDomain())
			}
			if want := test.orgSlug + ".localhost"; org.GetPrimaryDomain() != want {
				t.Errorf("%q: the organization has the domain %s, not %s", test.name, org.GetPrimaryDomain(), want)
			}
			want := test.org
			if want == "" {
				want = test.name
			}
			if org.GetName() != want || org.GetState() != orgv1.OrgState_ORG_STATE_ACTIVE {
				t.Errorf("%q: the organization is %q, %s", test.name, org.GetName(), org.GetState())
			}
		}
	})
}

// A custom domain is primary, in its ASCII form, and unique in the
// installation.
func TestCustomDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		domains, org := create(t, s, &systemv1.CreateInstanceRequest{InstanceName: "Bücher", CustomDomain: "BÜCHER.Test", Owner: machine()})
		if len(domains) != 2 || domains[0].GetDomain() != "xn--bcher-kva.test" || !domains[0].GetPrimary() || domains[0].GetGenerated() ||
			domains[1].GetPrimary() || !domains[1].GetGenerated() {
			t.Errorf("the domains are %v", domains)
		}
		if org.GetPrimaryDomain() != "b-cher.xn--bcher-kva.test" {
			t.Errorf("the organization has the domain %s", org.GetPrimaryDomain())
		}
		before := s.Rows(t)
		for name, want := range map[string]connect.Code{
			"bücher.test":                     connect.CodeAlreadyExists,
			"xn--bcher-kva.TEST":              connect.CodeAlreadyExists,
			"bu\u0308cher.test":               connect.CodeAlreadyExists, // the same in another normalization form
			"localhost":                       connect.CodeAlreadyExists, // of the first instance
			"a b.test":                        connect.CodeInvalidArgument,
			"a_b.test":                        connect.CodeInvalidArgument,
			"-a.test":                         connect.CodeInvalidArgument,
			"a..test":                         connect.CodeInvalidArgument,
			"a.test.":                         connect.CodeInvalidArgument,
			"http://a.test":                   connect.CodeInvalidArgument,
			"a.test:443":                      connect.CodeInvalidArgument,
			"a.test/x":                        connect.CodeInvalidArgument,
			"*.a.test":                        connect.CodeInvalidArgument,
			"192.0.2.1":                       connect.CodeInvalidArgument,
			"[::1]":                           connect.CodeInvalidArgument,
			"xn--a":                           connect.CodeInvalidArgument, // not the ASCII form of anything
			strings.Repeat("a", 64) + ".test": connect.CodeInvalidArgument,
		} {
			_, err := s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{InstanceName: "x", CustomDomain: name, Owner: machine()})
			id := map[connect.Code]string{connect.CodeAlreadyExists: "domain.taken", connect.CodeInvalidArgument: "domain.invalid"}[want]
			servertest.Refused(t, err, want, id)
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// The token and the key of the answer work at once: the owner of the answer
// is IAM_OWNER and ORG_OWNER.
func TestOwnerCredentials(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		owner := machine()
		owner.Machine.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: keyJSON}
		made := servertest.OK(s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
			InstanceName: "Keys", CustomDomain: "keys.test", Owner: owner,
		}))(t)
		host := s.As("").On("keys.test")
		for name, token := range map[string]string{
			"pat": made.GetPat(), "key": s.Exchange(t, "keys.test", made.GetMachineKey()),
		} {
			c := s.As(token).On("keys.test")
			me := servertest.OK(c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t).GetUser()
			if me.GetUserName() != "owner" || me.GetDetails().GetResourceOwner() != made.GetDetails().GetResourceOwner() {
				t.Errorf("%s: the owner is %v", name, me)
			}
			if got := servertest.OK(c.Admin.GetMyInstance(t.Context(), nil))(t).GetInstance().GetId(); got != made.GetInstanceId() {
				t.Errorf("%s: the instance is %s", name, got)
			}
			servertest.OK(c.Management.GetMyOrg(t.Context(), nil))(t)
		}
		_, err := host.Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
	})
}

// An owner who asks for no credentials gets none.
func TestOwnerWithoutCredentials(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		owner := machine()
		owner.Machine.PersonalAccessToken = nil
		made := servertest.OK(s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{InstanceName: "x", Owner: owner}))(t)
		s.Equal(t, made, &systemv1.CreateInstanceResponse{InstanceId: made.GetInstanceId(), Details: details(5, made.GetDetails().GetResourceOwner())})
	})
}

// request returns a valid request that change has altered.
func request(change func(*systemv1.CreateInstanceRequest)) *systemv1.CreateInstanceRequest {
	r := &systemv1.CreateInstanceRequest{InstanceName: "x", CustomDomain: "x.test", Owner: machine()}
	change(r)
	return proto.CloneOf(r)
}
