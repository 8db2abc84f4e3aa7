package auth_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// granted makes a project with roles, all of which a user is granted; it
// returns the ids of the project and of the grant.
func granted(t *testing.T, c *servertest.Caller, name, user string, roles ...string) (project, grant string) {
	t.Helper()
	project = servertest.OK(c.Management.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: name}))(t).GetId()
	for _, role := range roles {
		servertest.OK(c.Management.AddProjectRole(t.Context(), &managementv1.AddProjectRoleRequest{ProjectId: project, RoleKey: role, DisplayName: role}))(t)
	}
	added := servertest.OK(c.Management.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: user, ProjectId: project, RoleKeys: roles}))(t)
	return project, added.GetUserGrantId()
}

// A user sees what it is granted in all organizations, and nobody else's.
func TestListMyUserGrants(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		elsewhere := i.NewOrganization(t, "Second")
		ada, robot := i.NewHuman(t, "ada"), i.NewMachine(t, "robot")
		first, one := granted(t, i.Owner, "First", ada, "b", "a")
		next, two := granted(t, i.Owner.In(elsewhere), "Next", ada)
		granted(t, i.Owner, "Other", robot, "c")
		mine := func(project, name, grant, org, orgName, domain string, roles ...string) *authv1.UserGrant {
			return &authv1.UserGrant{
				OrgId: org, ProjectId: project, UserId: ada, Roles: roles, OrgName: orgName, GrantId: grant, Details: &zitadelv1.ObjectDetails{Sequence: 1, ResourceOwner: org},
				OrgDomain: domain, ProjectName: name, RoleKeys: roles, UserType: userv1.Type_TYPE_HUMAN, State: userv1.UserGrantState_USER_GRANT_STATE_ACTIVE,
			}
		}
		i.As(t, ada).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyUserGrants(t.Context(), &authv1.ListMyUserGrantsRequest{}))(t)
			s.Equal(t, got, &authv1.ListMyUserGrantsResponse{Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*authv1.UserGrant{
				mine(next, "Next", two, elsewhere, "Second", "second.acme.test"),
				mine(first, "First", one, i.OrganizationID, "acme", "acme.acme.test", "a", "b"),
			}})
			page := servertest.OK(c.Auth.ListMyUserGrants(t.Context(), &authv1.ListMyUserGrantsRequest{Query: &zitadelv1.ListQuery{Asc: true, Offset: 1}}))(t)
			if len(page.GetResult()) != 1 || page.GetResult()[0].GetGrantId() != two {
				t.Errorf("the page is %v", page)
			}
		})
		s.AsSystem(t).On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.ListMyUserGrants(t.Context(), &authv1.ListMyUserGrantsRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
			_, err = c.Auth.ListMyProjectPermissions(t.Context(), &authv1.ListMyProjectPermissionsRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
		})
	})
}

// Only what is active counts.
func TestListMyProjectPermissions(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, other := i.NewMachine(t, "robot"), i.NewMachine(t, "other")
		first, _ := granted(t, i.Owner, "First", robot, "b", "a")
		_, grant := granted(t, i.Owner.In(i.NewOrganization(t, "Second")), "Next", robot, "c", "a")
		granted(t, i.Owner, "Other", other, "d")
		elsewhere := i.Owner.In(servertest.OK(i.As(t, robot).Auth.ListMyUserGrants(t.Context(), nil))(t).GetResult()[0].GetOrgId())
		me := i.NewToken(t, robot)
		check := func(want ...string) {
			t.Helper()
			if got := servertest.OK(me.Auth.ListMyProjectPermissions(t.Context(), nil))(t).GetResult(); !slices.Equal(got, want) {
				t.Errorf("the permissions are %v, not %v", got, want)
			}
		}
		me.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyProjectPermissions(t.Context(), &authv1.ListMyProjectPermissionsRequest{}))(t)
			s.Equal(t, got, &authv1.ListMyProjectPermissionsResponse{Result: []string{"a", "b", "c"}})
		})
		servertest.OK(elsewhere.Management.DeactivateUserGrant(t.Context(), &managementv1.DeactivateUserGrantRequest{UserId: robot, GrantId: grant}))(t)
		check("a", "b")
		servertest.OK(i.Owner.Management.DeactivateProject(t.Context(), &managementv1.DeactivateProjectRequest{Id: first}))(t)
		check()
		servertest.OK(elsewhere.Management.ReactivateUserGrant(t.Context(), &managementv1.ReactivateUserGrantRequest{UserId: robot, GrantId: grant}))(t)
		check("a", "c")
	})
}
