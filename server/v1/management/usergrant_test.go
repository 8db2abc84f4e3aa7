package management_test

import (
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// addGrant grants a user roles of a project, and returns the id of the grant.
func addGrant(t *testing.T, c *servertest.Caller, user, project string, roles ...string) string {
	t.Helper()
	return servertest.OK(c.Management.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: user, ProjectId: project, RoleKeys: roles}))(t).GetUserGrantId()
}

func getGrant(t *testing.T, c *servertest.Caller, user, id string) *userv1.UserGrant {
	t.Helper()
	return servertest.OK(c.Management.GetUserGrantByID(t.Context(), &managementv1.GetUserGrantByIDRequest{UserId: user, GrantId: id}))(t).GetUserGrant()
}

// A user of any organization is granted roles of a project, and all that the
// grant connects is told with it.
func TestAddUserGrant(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		elsewhere := i.NewOrganization(t, "Second")
		there := i.Owner.In(elsewhere)
		ada := i.NewHuman(t, "Ada")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := newProject(t, c.In(elsewhere), c.Name("Shop"))
			addRoles(t, there, id, "a", "b", "c")
			request := &managementv1.AddUserGrantRequest{UserId: ada, ProjectId: id, RoleKeys: []string{"b", "a", "b"}}
			got := servertest.OK(c.In(elsewhere).Management.AddUserGrant(t.Context(), request))(t)
			if len(got.GetUserGrantId()) != 18 {
				t.Errorf("the id is %q", got.GetUserGrantId())
			}
			s.Equal(t, got, &managementv1.AddUserGrantResponse{UserGrantId: got.GetUserGrantId(), Details: details(1, elsewhere)})
			want := &userv1.UserGrant{
				Id: got.GetUserGrantId(), Details: details(1, elsewhere), RoleKeys: []string{"a", "b"}, State: userv1.UserGrantState_USER_GRANT_STATE_ACTIVE,
				UserId: ada, UserName: "Ada", FirstName: "Ada", LastName: "Person", Email: "Ada@example.com", DisplayName: "Ada Person",
				OrgId: elsewhere, OrgName: "Second", OrgDomain: "second.acme.test", ProjectId: id, ProjectName: c.Name("Shop"),
				PreferredLoginName: "Ada", UserType: userv1.Type_TYPE_HUMAN,
				GrantedOrgId: i.OrganizationID, GrantedOrgName: "acme", GrantedOrgDomain: "acme.acme.test",
			}
			s.Equal(t, getGrant(t, c.In(elsewhere), ada, got.GetUserGrantId()), want)
			list := servertest.OK(c.In(elsewhere).Management.ListUserGrants(t.Context(), &managementv1.ListUserGrantRequest{Query: &zitadelv1.ListQuery{Limit: 1}}))(t)
			s.Equal(t, list.GetResult()[0], want)
			_, err := c.In(elsewhere).Management.AddUserGrant(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "grant.exists")
		})
		if got := servertest.OK(i.Owner.Management.ListUserGrants(t.Context(), &managementv1.ListUserGrantRequest{}))(t); len(got.GetResult()) > 0 {
			t.Errorf("the user's organization has the grants %v", got.GetResult())
		}
	})
}

func TestUpdateUserGrant(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot := i.NewMachine(t, "robot")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			project := newProject(t, c, c.Name("Shop"))
			addRoles(t, c, project, "a", "b")
			id := addGrant(t, c, robot, project, "a")
			update := &managementv1.UpdateUserGrantRequest{UserId: robot, GrantId: id, RoleKeys: []string{"b", "a"}}
			s.Equal(t, servertest.OK(c.Management.UpdateUserGrant(t.Context(), update))(t), &managementv1.UpdateUserGrantResponse{Details: details(2, i.OrganizationID)})
			update.RoleKeys = []string{"a", "b", "a"}
			_, err := c.Management.UpdateUserGrant(t.Context(), update)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			if got := getGrant(t, c, robot, id).GetRoleKeys(); len(got) != 2 {
				t.Errorf("the roles are %v", got)
			}

			_, err = c.Management.ReactivateUserGrant(t.Context(), &managementv1.ReactivateUserGrantRequest{UserId: robot, GrantId: id})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "grant.not_inactive")
			down := servertest.OK(c.Management.DeactivateUserGrant(t.Context(), &managementv1.DeactivateUserGrantRequest{UserId: robot, GrantId: id}))(t)
			s.Equal(t, down, &managementv1.DeactivateUserGrantResponse{Details: details(3, i.OrganizationID)})
			if state := getGrant(t, c, robot, id).GetState(); state != userv1.UserGrantState_USER_GRANT_STATE_INACTIVE {
				t.Errorf("the grant is %s", state)
			}
			_, err = c.Management.DeactivateUserGrant(t.Context(), &managementv1.DeactivateUserGrantRequest{UserId: robot, GrantId: id})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "grant.not_active")
			up := servertest.OK(c.Management.ReactivateUserGrant(t.Context(), &managementv1.ReactivateUserGrantRequest{UserId: robot, GrantId: id}))(t)
			s.Equal(t, up, &managementv1.ReactivateUserGrantResponse{Details: details(4, i.OrganizationID)})

			remove := &managementv1.RemoveUserGrantRequest{UserId: robot, GrantId: id}
			s.Equal(t, servertest.OK(c.Management.RemoveUserGrant(t.Context(), remove))(t), &managementv1.RemoveUserGrantResponse{Details: details(5, i.OrganizationID)})
			_, err = c.Management.RemoveUserGrant(t.Context(), remove)
			servertest.Refused(t, err, connect.CodeNotFound, "grant.unknown")
			_, err = c.Management.GetUserGrantByID(t.Context(), &managementv1.GetUserGrantByIDRequest{UserId: robot, GrantId: id})
			servertest.Refused(t, err, connect.CodeNotFound, "grant.unknown")
			addGrant(t, c, robot, project) // again, with no role
		})
	})
}

func TestBulkRemoveUserGrant(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		elsewhere := i.Owner.In(i.NewOrganization(t, "Second"))
		robot := i.NewMachine(t, "robot")
		foreign := addGrant(t, elsewhere, robot, newProject(t, elsewhere, "Shop"))
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			one, two := addGrant(t, c, robot, newProject(t, c, c.Name("One"))), addGrant(t, c, robot, newProject(t, c, c.Name("Two")))
			remove := func(ids ...string) error {
				_, err := c.Management.BulkRemoveUserGrant(t.Context(), &managementv1.BulkRemoveUserGrantRequest{GrantId: ids})
				return err
			}
			servertest.Refused(t, remove(), connect.CodeFailedPrecondition, "object.unchanged")
			servertest.Refused(t, remove(one, "unknown", two), connect.CodeNotFound, "grant.unknown")
			servertest.Refused(t, remove(one, foreign), connect.CodeNotFound, "grant.unknown")
			getGrant(t, c, robot, one)
			if err := remove(two, one, two); err != nil {
				t.Error(err)
			}
			servertest.Refused(t, remove(one), connect.CodeNotFound, "grant.unknown")
		})
		getGrant(t, elsewhere, robot, foreign)
	})
}

func TestUserGrantRefusals(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		c, elsewhere := i.Owner.Management, i.Owner.In(i.NewOrganization(t, "Second"))
		robot, twin := i.NewMachine(t, "robot"), i.NewMachine(t, "twin")
		project, foreign := newProject(t, i.Owner, "Shop"), newProject(t, elsewhere, "Shop")
		addRoles(t, i.Owner, project, "a", "b")
		addRoles(t, elsewhere, foreign, "c")
		id := addGrant(t, i.Owner, robot, project, "a")
		add := func(user, project string, roles ...string) error {
			return second(c.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: user, ProjectId: project, RoleKeys: roles}))
		}
		update := func(c *servertest.Caller, user string, roles ...string) error {
			return second(c.Management.UpdateUserGrant(t.Context(), &managementv1.UpdateUserGrantRequest{UserId: user, GrantId: id, RoleKeys: roles}))
		}
		for name, refused := range map[string]struct {
			err  error
			code connect.Code
			id   string
		}{
			"no user":                     {add("unknown", project, "a"), connect.CodeNotFound, "user.unknown"},
			"another instance's user":     {add(other.OwnerID, project, "a"), connect.CodeNotFound, "user.unknown"},
			"no project":                  {add(robot, "unknown", "a"), connect.CodeNotFound, "project.unknown"},
			"another org's project":       {add(robot, foreign, "c"), connect.CodeNotFound, "project.unknown"},
			"no role":                     {add(twin, project, "a", "x"), connect.CodeInvalidArgument, "grant.role_unknown"},
			"empty role":                  {add(twin, project, ""), connect.CodeInvalidArgument, "grant.role_unknown"},
			"another project's role":      {add(twin, project, "c"), connect.CodeInvalidArgument, "grant.role_unknown"},
			"another case":                {add(twin, project, "A"), connect.CodeInvalidArgument, "grant.role_unknown"},
			"update, no role":             {update(i.Owner, robot, "a", "x"), connect.CodeInvalidArgument, "grant.role_unknown"},
			"update of another user":      {update(i.Owner, twin, "b"), connect.CodeNotFound, "grant.unknown"},
			"update from another org":     {update(elsewhere, robot, "b"), connect.CodeNotFound, "grant.unknown"},
			"get of another user":         {second(c.GetUserGrantByID(t.Context(), &managementv1.GetUserGrantByIDRequest{UserId: twin, GrantId: id})), connect.CodeNotFound, "grant.unknown"},
			"get from another org":        {second(elsewhere.Management.GetUserGrantByID(t.Context(), &managementv1.GetUserGrantByIDRequest{UserId: robot, GrantId: id})), connect.CodeNotFound, "grant.unknown"},
			"remove of another user":      {second(c.RemoveUserGrant(t.Context(), &managementv1.RemoveUserGrantRequest{UserId: twin, GrantId: id})), connect.CodeNotFound, "grant.unknown"},
			"deactivate from another org": {second(elsewhere.Management.DeactivateUserGrant(t.Context(), &managementv1.DeactivateUserGrantRequest{UserId: robot, GrantId: id})), connect.CodeNotFound, "grant.unknown"},
			"project grant":               {second(c.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: twin, ProjectId: project, ProjectGrantId: "1"})), connect.CodeUnimplemented, "request.field_unsupported"},
			"project admins": {second(c.AddProject(t.Context(), &managementv1.AddProjectRequest{
				Name: "x", Admins: []*managementv1.AddProjectRequest_Admin{{UserId: robot}},
			})), connect.CodeUnimplemented, "request.field_unsupported"},
		} {
			t.Run(name, func(t *testing.T) { servertest.Refused(t, refused.err, refused.code, refused.id) })
		}
		if got := getGrant(t, i.Owner, robot, id); got.GetDetails().GetSequence() != 1 {
			t.Errorf("the grant is %v", got)
		}
	})
}
