package auth_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// join makes a user a member of the organization of the caller.
func join(t *testing.T, c *servertest.Caller, id string, roles ...string) {
	t.Helper()
	servertest.OK(c.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: id, Roles: roles}))(t)
}

func permissions(t *testing.T, c *servertest.Caller) []string {
	t.Helper()
	return servertest.OK(c.Auth.ListMyZitadelPermissions(t.Context(), &authv1.ListMyZitadelPermissionsRequest{}))(t).GetResult()
}

func TestListMyZitadelPermissions(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.Owner.In(i.NewOrganization(t, "Second"))
		id := i.NewHuman(t, "ada")
		ada := i.As(t, id)
		if got := permissions(t, ada); len(got) > 0 {
			t.Errorf("nobody may %q", got)
		}
		join(t, second, id, "ORG_OWNER") // counts elsewhere
		join(t, i.Owner, id, "SELF_MANAGEMENT_GLOBAL", "ORG_USER_SELF_MANAGER")
		ada.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyZitadelPermissions(t.Context(), &authv1.ListMyZitadelPermissionsRequest{}))(t)
			s.Equal(t, got, &authv1.ListMyZitadelPermissionsResponse{Result: []string{"org.create", "policy.read", "user.self.delete"}})
		})
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_END_USER_IMPERSONATOR"}}))(t)
		if got := permissions(t, ada); !slices.Equal(got, []string{"impersonation", "org.create", "policy.read", "user.self.delete"}) {
			t.Errorf("with a role of the instance: %q", got)
		}
		if got := permissions(t, i.Owner); !slices.Contains(got, "iam.write") || !slices.Contains(got, "org.write") || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("the owner may %q", got)
		}
		_, err := s.AsSystem(t).On(i.Domain).Auth.ListMyZitadelPermissions(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	})
}

func TestListMyMemberships(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		secondID := i.NewOrganization(t, "Second")
		id := i.NewHuman(t, "ada")
		join(t, i.Owner.In(secondID), id, "ORG_OWNER_VIEWER")
		want := []*userv1.Membership{{
			UserId: id, Details: &zitadelv1.ObjectDetails{Sequence: 5, ResourceOwner: secondID}, Roles: []string{"ORG_OWNER_VIEWER"},
			DisplayName: "Second", Type: &userv1.Membership_OrgId{OrgId: secondID},
		}}
		i.As(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyMemberships(t.Context(), &authv1.ListMyMembershipsRequest{}))(t)
			s.Equal(t, got, &authv1.ListMyMembershipsResponse{Details: &zitadelv1.ListDetails{TotalResult: 1}, Result: want})
			iam := &userv1.MembershipQuery{Query: &userv1.MembershipQuery_IamQuery{IamQuery: &userv1.MembershipIAMQuery{Iam: true}}}
			got = servertest.OK(c.Auth.ListMyMemberships(t.Context(), &authv1.ListMyMembershipsRequest{Queries: []*userv1.MembershipQuery{iam}}))(t)
			s.Equal(t, got, &authv1.ListMyMembershipsResponse{Details: &zitadelv1.ListDetails{}})
		})
		_, err := s.AsSystem(t).On(i.Domain).Auth.ListMyMemberships(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	})
}

func orgName(method zitadelv1.TextQueryMethod, text string) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_NameQuery{NameQuery: &orgv1.OrgNameQuery{Name: text, Method: method}}}
}

func orgDomain(method zitadelv1.TextQueryMethod, text string) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_DomainQuery{DomainQuery: &orgv1.OrgDomainQuery{Domain: text, Method: method}}}
}

func orgState(state orgv1.OrgState) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_StateQuery{StateQuery: &orgv1.OrgStateQuery{State: state}}}
}

func orgID(id string) *orgv1.OrgQuery {
	return &orgv1.OrgQuery{Query: &orgv1.OrgQuery_IdQuery{IdQuery: &orgv1.OrgIDQuery{Id: id}}}
}

func TestListMyProjectOrgs(t *testing.T) {
	const equals, contains = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		names := []string{"Zebra", "apple", "Öl", "asleep"}
		organizations := make(map[string]string)
		for _, name := range names {
			organizations[name] = i.NewOrganization(t, name)
		}
		s.NewInstance(t, "other")
		id := i.NewHuman(t, "ada")
		ada := i.As(t, id)
		for _, name := range []string{"Öl", "Zebra", "asleep"} {
			join(t, i.Owner.In(organizations[name]), id, "ORG_OWNER_VIEWER")
		}
		s.Exec(t, `UPDATE organizations SET state = 'inactive' WHERE organization_id = '`+organizations["asleep"]+`'`)
		find := func(c *servertest.Caller, page *zitadelv1.ListQuery, by orgv1.OrgFieldName, queries ...*orgv1.OrgQuery) (found []string, total uint64) {
			t.Helper()
			got := servertest.OK(c.Auth.ListMyProjectOrgs(t.Context(), &authv1.ListMyProjectOrgsRequest{Query: page, SortingColumn: by, Queries: queries}))(t)
			for _, o := range got.GetResult() {
				found = append(found, o.GetName())
			}
			return found, got.GetDetails().GetTotalResult()
		}
		ascending, unsorted, byName := &zitadelv1.ListQuery{Asc: true}, orgv1.OrgFieldName_ORG_FIELD_NAME_UNSPECIFIED, orgv1.OrgFieldName_ORG_FIELD_NAME_NAME
		for what, test := range map[string]struct {
			caller  *servertest.Caller
			page    *zitadelv1.ListQuery
			by      orgv1.OrgFieldName
			queries []*orgv1.OrgQuery
			want    []string
			total   uint64
		}{
			"own":                 {ada, ascending, unsorted, nil, []string{"Zebra", "Öl"}, 2},
			"own, newest first":   {ada, nil, unsorted, nil, []string{"Öl", "Zebra"}, 2},
			"own, by name":        {ada, ascending, byName, nil, []string{"Zebra", "Öl"}, 2},
			"own, a page":         {ada, &zitadelv1.ListQuery{Asc: true, Offset: 1, Limit: 1}, byName, nil, []string{"Öl"}, 2},
			"own, of a name":      {ada, nil, unsorted, []*orgv1.OrgQuery{orgName(contains, "ÖL")}, []string{"Öl"}, 1},
			"own, another's":      {ada, nil, unsorted, []*orgv1.OrgQuery{orgName(equals, "apple")}, nil, 0},
			"own, by id":          {ada, nil, unsorted, []*orgv1.OrgQuery{orgID(organizations["Zebra"])}, []string{"Zebra"}, 1},
			"own, another's id":   {ada, nil, unsorted, []*orgv1.OrgQuery{orgID(i.OrganizationID)}, nil, 0},
			"own, by domain":      {ada, nil, unsorted, []*orgv1.OrgQuery{orgDomain(contains, "ZEBRA.")}, []string{"Zebra"}, 1},
			"all":                 {i.Owner, ascending, byName, nil, []string{"acme", "apple", "Zebra", "Öl"}, 4},
			"all, a page":         {i.Owner, &zitadelv1.ListQuery{Asc: true, Offset: 2, Limit: 1}, byName, nil, []string{"Zebra"}, 4},
			"all, active":         {i.Owner, ascending, unsorted, []*orgv1.OrgQuery{orgState(orgv1.OrgState_ORG_STATE_ACTIVE)}, []string{"acme", "Zebra", "apple", "Öl"}, 4},
			"all, inactive":       {i.Owner, nil, unsorted, []*orgv1.OrgQuery{orgState(orgv1.OrgState_ORG_STATE_INACTIVE)}, nil, 0},
			"all, of no state":    {i.Owner, nil, unsorted, []*orgv1.OrgQuery{orgState(orgv1.OrgState_ORG_STATE_UNSPECIFIED)}, nil, 0},
			"all, by two queries": {i.Owner, nil, unsorted, []*orgv1.OrgQuery{orgName(contains, "A"), orgDomain(contains, "zebra")}, []string{"Zebra"}, 1},
		} {
			if got, total := find(test.caller, test.page, test.by, test.queries...); !slices.Equal(got, test.want) || total != test.total {
				t.Errorf("%s: got %q of %d, want %q of %d", what, got, total, test.want, test.total)
			}
		}
		ada.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyProjectOrgs(t.Context(), &authv1.ListMyProjectOrgsRequest{Queries: []*orgv1.OrgQuery{orgID(organizations["Zebra"])}}))(t)
			s.Equal(t, got, &authv1.ListMyProjectOrgsResponse{Details: &zitadelv1.ListDetails{TotalResult: 1}, Result: []*orgv1.Org{{
				Id: organizations["Zebra"], Details: &zitadelv1.ObjectDetails{Sequence: 5, ResourceOwner: organizations["Zebra"]},
				State: orgv1.OrgState_ORG_STATE_ACTIVE, Name: "Zebra", PrimaryDomain: "zebra.acme.test",
			}}})
			_, err := c.Auth.ListMyProjectOrgs(t.Context(), &authv1.ListMyProjectOrgsRequest{Queries: []*orgv1.OrgQuery{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
		_, err := s.AsSystem(t).On(i.Domain).Auth.ListMyProjectOrgs(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	})
}
