package admin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func addOrg(t *testing.T, c *servertest.Caller, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: name}))(t).GetId()
}

func TestGetOrgByID(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		id := addOrg(t, i.Owner, "Second")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.GetOrgByID(t.Context(), &adminv1.GetOrgByIDRequest{Id: id}))(t)
			s.Equal(t, got, &adminv1.GetOrgByIDResponse{Org: &orgv1.Org{
				Id: id, Details: details(5, id), State: orgv1.OrgState_ORG_STATE_ACTIVE, Name: "Second", PrimaryDomain: "second.acme.test",
			}})
			for _, unknown := range []string{"unknown", other.OrganizationID} {
				_, err := c.Admin.GetOrgByID(t.Context(), &adminv1.GetOrgByIDRequest{Id: unknown})
				servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			}
		})
	})
}

func TestIsOrgUnique(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.NewInstance(t, "other")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for _, test := range []struct {
				name, domain string
				want         bool
			}{
				{"", "", true}, {"acme", "", false}, {"ACME", "", false}, {"other", "", true},
				{"", "acme.acme.test", false}, {"", "Acme.Acme.TEST", false}, {"", "other.other.test", true},
				{"free", "free.test", true}, {"acme", "free.test", false}, {"free", "acme.acme.test", false},
			} {
				got := servertest.OK(c.Admin.IsOrgUnique(t.Context(), &adminv1.IsOrgUniqueRequest{Name: test.name, Domain: test.domain}))(t)
				if got.GetIsUnique() != test.want {
					t.Errorf("%+v: got %v", test, got.GetIsUnique())
				}
			}
			_, err := c.Admin.IsOrgUnique(t.Context(), &adminv1.IsOrgUniqueRequest{Domain: "no host name"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "domain.invalid")
		})
	})
}

func TestDefaultOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			get := func() *orgv1.Org {
				t.Helper()
				return servertest.OK(c.Admin.GetDefaultOrg(t.Context(), &adminv1.GetDefaultOrgRequest{}))(t).GetOrg()
			}
			set := func(id string) (*adminv1.SetDefaultOrgResponse, error) {
				return c.Admin.SetDefaultOrg(t.Context(), &adminv1.SetDefaultOrgRequest{OrgId: id})
			}
			before := get()
			id := addOrg(t, c, c.Name("org"))
			changes++
			s.Equal(t, servertest.OK(set(id))(t), &adminv1.SetDefaultOrgResponse{Details: details(changes, i.ID)})
			if got := get(); got.GetId() != id || got.GetPrimaryDomain() == "" {
				t.Errorf("the default organization is %v", got)
			}
			_, err := set(id)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = set("unknown")
			servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			_, err = c.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "organization.default")

			asleep := addOrg(t, c, c.Name("asleep"))
			servertest.OK(c.In(asleep).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
			_, err = set(asleep)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "organization.inactive")
			changes++
			servertest.OK(set(before.GetId()))(t)
		})
	})
}

func TestAdminRemoveOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := addOrg(t, c, c.Name("org"))
			got := servertest.OK(c.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id}))(t)
			s.Equal(t, got, &adminv1.RemoveOrgResponse{Details: details(6, id)})
			for _, unknown := range []string{id, other.OrganizationID, "unknown"} {
				_, err := c.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: unknown})
				servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			}
			_, err := c.Admin.GetOrgByID(t.Context(), &adminv1.GetOrgByIDRequest{Id: id})
			servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			_, err = c.Admin.SetDefaultOrg(t.Context(), &adminv1.SetDefaultOrgRequest{OrgId: id})
			servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			addOrg(t, c, c.Name("org")) // the name is free
		})
		servertest.OK(other.Owner.Admin.GetDefaultOrg(t.Context(), nil))(t)
	})
}

// listOrgs returns the organizations that match.
func listOrgs(t *testing.T, c *servertest.Caller, request *adminv1.ListOrgsRequest) []*orgv1.Org {
	t.Helper()
	answer := servertest.OK(c.Admin.ListOrgs(t.Context(), request))(t)
	if total := answer.GetDetails().GetTotalResult(); request.GetQuery().GetLimit() == 0 && total != uint64(len(answer.GetResult())) {
		t.Errorf("%d organizations of %d", len(answer.GetResult()), total)
	}
	return answer.GetResult()
}

func names(orgs []*orgv1.Org) []string {
	all := make([]string, len(orgs))
	for i, o := range orgs {
		all[i] = o.GetName()
	}
	return all
}

func orgsByName(needle string, method zitadelv1.TextQueryMethod) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_NameQuery{NameQuery: &orgv1.OrgNameQuery{Name: needle, Method: method}}}
}

func orgsByDomain(needle string, method zitadelv1.TextQueryMethod) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_DomainQuery{DomainQuery: &orgv1.OrgDomainQuery{Domain: needle, Method: method}}}
}

func orgsByState(state orgv1.OrgState) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_StateQuery{StateQuery: &orgv1.OrgStateQuery{State: state}}}
}

func orgsByID(id string) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_IdQuery{IdQuery: &orgv1.OrgIDQuery{Id: id}}}
}

func TestListOrgs(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.NewInstance(t, "other")
		ids := make(map[string]string)
		for _, name := range []string{"beta", "Alpha", "émile", "Zeta"} {
			ids[name] = addOrg(t, i.Owner, name)
		}
		servertest.OK(i.Owner.In(ids["Zeta"]).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
		removed := addOrg(t, i.Owner, "removed")
		servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: removed}))(t)

		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListOrgs(t.Context(), &adminv1.ListOrgsRequest{
				Query: &zitadelv1.ListQuery{Limit: 1, Offset: 1, Asc: true}, SortingColumn: orgv1.OrgFieldName_ORG_FIELD_NAME_NAME,
			}))(t)
			s.Equal(t, got, &adminv1.ListOrgsResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 5}, SortingColumn: orgv1.OrgFieldName_ORG_FIELD_NAME_NAME,
				Result: []*orgv1.Org{{
					Id: ids["Alpha"], Details: details(5, ids["Alpha"]), State: orgv1.OrgState_ORG_STATE_ACTIVE,
					Name: "Alpha", PrimaryDomain: "alpha.acme.test",
				}},
			})
			_, err := c.Admin.ListOrgs(t.Context(), &adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
		const equals = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS
		byName := orgv1.OrgFieldName_ORG_FIELD_NAME_NAME
		for name, test := range map[string]struct {
			request *adminv1.ListOrgsRequest
			want    []string
		}{
			"newest first":    {&adminv1.ListOrgsRequest{}, []string{"Zeta", "émile", "Alpha", "beta", "acme"}},
			"oldest first":    {&adminv1.ListOrgsRequest{Query: &zitadelv1.ListQuery{Asc: true}}, []string{"acme", "beta", "Alpha", "émile", "Zeta"}},
			"by name":         {&adminv1.ListOrgsRequest{Query: &zitadelv1.ListQuery{Asc: true}, SortingColumn: byName}, []string{"acme", "Alpha", "beta", "Zeta", "émile"}},
			"by name, down":   {&adminv1.ListOrgsRequest{SortingColumn: byName}, []string{"émile", "Zeta", "beta", "Alpha", "acme"}},
			"active":          {&adminv1.ListOrgsRequest{SortingColumn: byName, Queries: []*orgv1.OrgQuery{orgsByState(orgv1.OrgState_ORG_STATE_ACTIVE)}}, []string{"émile", "beta", "Alpha", "acme"}},
			"inactive":        {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByState(orgv1.OrgState_ORG_STATE_INACTIVE)}}, []string{"Zeta"}},
			"removed":         {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByState(orgv1.OrgState_ORG_STATE_REMOVED)}}, nil},
			"no state":        {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByState(orgv1.OrgState_ORG_STATE_UNSPECIFIED)}}, nil},
			"id":              {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByID(ids["Alpha"])}}, []string{"Alpha"}},
			"id, removed":     {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByID(removed)}}, nil},
			"both":            {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByID(ids["Alpha"]), orgsByName("Alpha", equals)}}, []string{"Alpha"}},
			"contradiction":   {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByID(ids["Alpha"]), orgsByName("beta", equals)}}, nil},
			"domain":          {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByDomain("mile.acme.test", equals)}}, []string{"émile"}},
			"past the end":    {&adminv1.ListOrgsRequest{Query: &zitadelv1.ListQuery{Offset: 1 << 63, Limit: 5}}, nil},
			"domain, another": {&adminv1.ListOrgsRequest{Queries: []*orgv1.OrgQuery{orgsByDomain("other.other.test", equals)}}, nil},
		} {
			if got := names(listOrgs(t, i.Owner, test.request)); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", name, got, test.want)
			}
		}
		_, err := i.Owner.Admin.ListOrgs(t.Context(), &adminv1.ListOrgsRequest{Query: &zitadelv1.ListQuery{Limit: 1001}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
	})
}

func TestSearchOrgsByText(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for n, text := range texts {
			addOrg(t, i.Owner, fmt.Sprintf("%s %d", text, n))
		}
		ascending := &zitadelv1.ListQuery{Asc: true}
		all := listOrgs(t, i.Owner, &adminv1.ListOrgsRequest{Query: ascending})
		for name, by := range map[string]struct {
			query func(string, zitadelv1.TextQueryMethod) *orgv1.OrgQuery
			text  func(*orgv1.Org) string
		}{"name": {orgsByName, (*orgv1.Org).GetName}, "domain": {orgsByDomain, (*orgv1.Org).GetPrimaryDomain}} {
			for _, needle := range append([]string{".ACME.test", "org-", "100", "Stra"}, needles...) {
				for method := range zitadelv1.TextQueryMethod(len(zitadelv1.TextQueryMethod_name)) {
					var want []*orgv1.Org
					for _, o := range all {
						if matches(method, by.text(o), needle) {
							want = append(want, o)
						}
					}
					got := listOrgs(t, i.Owner, &adminv1.ListOrgsRequest{Query: ascending, Queries: []*orgv1.OrgQuery{by.query(needle, method)}})
					if !slices.Equal(names(got), names(want)) {
						t.Errorf("%s %s %q: got %d organizations, want %d", name, method, needle, len(got), len(want))
					}
				}
			}
		}
	})
}

// setUp returns a request that is right.
func setUp(name string) *adminv1.SetUpOrgRequest {
	return &adminv1.SetUpOrgRequest{
		Org: &adminv1.SetUpOrgRequest_Org{Name: name},
		User: &adminv1.SetUpOrgRequest_Human_{Human: &adminv1.SetUpOrgRequest_Human{
			UserName: "boss of " + name,
			Profile:  &adminv1.SetUpOrgRequest_Human_Profile{FirstName: "Ada", LastName: "Person", PreferredLanguage: "de"},
			Email:    &adminv1.SetUpOrgRequest_Human_Email{Email: "ada@example.com", IsEmailVerified: true},
			Phone:    &adminv1.SetUpOrgRequest_Human_Phone{Phone: "+41791234567", IsPhoneVerified: true},
			Password: servertest.HumanPassword,
		}},
	}
}

func TestSetUpOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			request := setUp(c.Name("org"))
			request.Org.Domain = c.Name("Org") + ".example"
			got := servertest.OK(c.Admin.SetUpOrg(t.Context(), request))(t)
			s.Equal(t, got, &adminv1.SetUpOrgResponse{Details: details(7, got.GetOrgId()), OrgId: got.GetOrgId(), UserId: got.GetUserId()})
			boss := i.As(t, got.GetUserId())
			me := servertest.OK(boss.Auth.GetMyUser(t.Context(), nil))(t).GetUser()
			if me.GetUserName() != "boss of "+c.Name("org") || me.GetHuman().GetProfile().GetDisplayName() != "Ada Person" ||
				!me.GetHuman().GetEmail().GetIsEmailVerified() || me.GetDetails().GetResourceOwner() != got.GetOrgId() {
				t.Errorf("the person is %v", me)
			}
			servertest.OK(boss.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: c.Name("renamed")}))(t)
			_, err := c.Admin.SetUpOrg(t.Context(), setUp(c.Name("renamed")))
			servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.name_taken")
		})
	})
}

// A domain is a new organization's own by the same policy as that of any other.
func TestSetUpOrgWithoutProofOfDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		servertest.OK(i.Owner.Admin.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{SmtpSenderAddressMatchesInstanceDomain: true}))(t)
		for _, domain := range []string{"first.example", "second.acme.test"} { // the other is its own already
			request := setUp(domain[:strings.Index(domain, ".")])
			request.Org.Domain = domain
			got := servertest.OK(i.Owner.Admin.SetUpOrg(t.Context(), request))(t)
			found := servertest.OK(i.Owner.Management.GetOrgByDomainGlobal(t.Context(), &managementv1.GetOrgByDomainGlobalRequest{Domain: domain}))(t)
			if id := found.GetOrg().GetId(); id != got.GetOrgId() {
				t.Errorf("%s is the domain of %q", domain, id)
			}
		}
		before := s.Rows(t)
		request := setUp("third")
		request.Org.Domain = "first.example"
		_, err := i.Owner.Admin.SetUpOrg(t.Context(), request)
		servertest.Refused(t, err, connect.CodeAlreadyExists, "organization_domain.taken")
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// All or nothing: what is refused leaves no row.
func TestSetUpOrgRefuses(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		before := s.Rows(t)
		for name, test := range map[string]struct {
			change func(*adminv1.SetUpOrgRequest)
			code   connect.Code
			id     string
			names  string
		}{
			"user name taken": {func(r *adminv1.SetUpOrgRequest) { r.GetHuman().UserName = "OWNER" }, connect.CodeAlreadyExists, "user.name_taken", ""},
			"role unknown":    {func(r *adminv1.SetUpOrgRequest) { r.Roles = []string{"IAM_OWNER"} }, connect.CodeInvalidArgument, "member.role_unknown", "roles"},
			"e-mail":          {func(r *adminv1.SetUpOrgRequest) { r.GetHuman().Email.IsEmailVerified = false }, connect.CodeFailedPrecondition, "notification.provider_missing", "human.email.is_email_verified"},
			"phone":           {func(r *adminv1.SetUpOrgRequest) { r.GetHuman().Phone.IsPhoneVerified = false }, connect.CodeFailedPrecondition, "notification.provider_missing", "human.phone.is_phone_verified"},
			"password":        {func(r *adminv1.SetUpOrgRequest) { r.GetHuman().Password = "short" }, connect.CodeInvalidArgument, "password.policy", "human.password"},
			"language":        {func(r *adminv1.SetUpOrgRequest) { r.GetHuman().Profile.PreferredLanguage = "d?" }, connect.CodeInvalidArgument, "language.invalid", "human.profile.preferred_language"},
			"domain":          {func(r *adminv1.SetUpOrgRequest) { r.Org.Domain = "no host name" }, connect.CodeInvalidArgument, "domain.invalid", "org.domain"},
			"no user":         {func(r *adminv1.SetUpOrgRequest) { r.User = nil }, connect.CodeInvalidArgument, "request.invalid", "user"},
		} {
			request := setUp("new")
			test.change(request)
			_, err := i.Owner.Admin.SetUpOrg(t.Context(), request)
			servertest.Refused(t, err, test.code, test.id)
			if err != nil && !strings.Contains(err.Error(), test.names) {
				t.Errorf("%s: the error does not name %q: %v", name, test.names, err)
			}
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}
