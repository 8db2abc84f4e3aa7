package management_test

import (
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// newProject adds a project and returns its id.
func newProject(t *testing.T, c *servertest.Caller, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: name}))(t).GetId()
}

func getProject(t *testing.T, c *servertest.Caller, id string) *projectv1.Project {
	t.Helper()
	return servertest.OK(c.Management.GetProjectByID(t.Context(), &managementv1.GetProjectByIDRequest{Id: id}))(t).GetProject()
}

func deactivateProject(t *testing.T, c *servertest.Caller, id string) {
	t.Helper()
	servertest.OK(c.Management.DeactivateProject(t.Context(), &managementv1.DeactivateProjectRequest{Id: id}))(t)
}

func TestAddProject(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.Owner.In(i.NewOrganization(t, "Second"))
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			request := &managementv1.AddProjectRequest{
				Name: c.Name("Shop"), ProjectRoleAssertion: true, ProjectRoleCheck: true, HasProjectCheck: true,
				PrivateLabelingSetting: projectv1.PrivateLabelingSetting_PRIVATE_LABELING_SETTING_ALLOW_LOGIN_USER_RESOURCE_OWNER_POLICY,
			}
			got := servertest.OK(c.Management.AddProject(t.Context(), request))(t)
			if len(got.GetId()) != 18 {
				t.Errorf("the id is %q", got.GetId())
			}
			s.Equal(t, got, &managementv1.AddProjectResponse{Id: got.GetId(), Details: details(1, i.OrganizationID)})
			s.Equal(t, getProject(t, c, got.GetId()), &projectv1.Project{
				Id: got.GetId(), Details: details(1, i.OrganizationID), Name: c.Name("Shop"), State: projectv1.ProjectState_PROJECT_STATE_ACTIVE,
				ProjectRoleAssertion: true, ProjectRoleCheck: true, HasProjectCheck: true, PrivateLabelingSetting: request.PrivateLabelingSetting,
			})
			request.Name = c.Name("SHOP")
			_, err := c.Management.AddProject(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "project.name_taken")
			newProject(t, second, request.Name) // of another organization
		})
	})
}

func TestUpdateProject(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		newProject(t, i.Owner, "Taken")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := newProject(t, c, c.Name("Shop"))
			request := &managementv1.UpdateProjectRequest{Id: id, Name: c.Name("SHOP"), ProjectRoleCheck: true}
			got := servertest.OK(c.Management.UpdateProject(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.UpdateProjectResponse{Details: details(2, i.OrganizationID)})
			s.Equal(t, getProject(t, c, id), &projectv1.Project{
				Id: id, Details: details(2, i.OrganizationID), Name: c.Name("SHOP"), State: projectv1.ProjectState_PROJECT_STATE_ACTIVE, ProjectRoleCheck: true,
			})
			_, err := c.Management.UpdateProject(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			request.Name = "taken"
			_, err = c.Management.UpdateProject(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "project.name_taken")
		})
	})
}

func TestProjectStates(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := newProject(t, c, c.Name("Shop"))
			_, err := c.Management.ReactivateProject(t.Context(), &managementv1.ReactivateProjectRequest{Id: id})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "project.not_inactive")
			down := servertest.OK(c.Management.DeactivateProject(t.Context(), &managementv1.DeactivateProjectRequest{Id: id}))(t)
			s.Equal(t, down, &managementv1.DeactivateProjectResponse{Details: details(2, i.OrganizationID)})
			if state := getProject(t, c, id).GetState(); state != projectv1.ProjectState_PROJECT_STATE_INACTIVE {
				t.Errorf("the project is %s", state)
			}
			_, err = c.Management.DeactivateProject(t.Context(), &managementv1.DeactivateProjectRequest{Id: id})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "project.not_active")
			up := servertest.OK(c.Management.ReactivateProject(t.Context(), &managementv1.ReactivateProjectRequest{Id: id}))(t)
			s.Equal(t, up, &managementv1.ReactivateProjectResponse{Details: details(3, i.OrganizationID)})
			if state := getProject(t, c, id).GetState(); state != projectv1.ProjectState_PROJECT_STATE_ACTIVE {
				t.Errorf("the project is %s", state)
			}
		})
	})
}

// Nothing is added to a project that is not active; what is there can still be
// put in order.
func TestInactiveProject(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, id, robot := i.Owner.Management, newProject(t, i.Owner, "Shop"), i.NewMachine(t, "robot")
		addRoles(t, i.Owner, id, "reader", "writer")
		app := newKeyApp(t, i.Owner, id, "Backend")
		deactivateProject(t, i.Owner, id)
		for name, err := range map[string]error{
			"role":     second(c.AddProjectRole(t.Context(), &managementv1.AddProjectRoleRequest{ProjectId: id, RoleKey: "x", DisplayName: "x"})),
			"OIDC app": second(c.AddOIDCApp(t.Context(), &managementv1.AddOIDCAppRequest{ProjectId: id, Name: "x"})),
			"API app":  second(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: id, Name: "x"})),
			"key":      second(c.AddAppKey(t.Context(), keyOf(id, app))),
			"grant":    second(c.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: robot, ProjectId: id, RoleKeys: []string{"reader"}})),
		} {
			t.Run(name, func(t *testing.T) { servertest.Refused(t, err, connect.CodeFailedPrecondition, "project.not_active") })
		}
		servertest.OK(c.UpdateProject(t.Context(), &managementv1.UpdateProjectRequest{Id: id, Name: "Old shop"}))(t)
		servertest.OK(c.UpdateProjectRole(t.Context(), &managementv1.UpdateProjectRoleRequest{ProjectId: id, RoleKey: "reader", DisplayName: "x"}))(t)
		servertest.OK(c.RemoveProjectRole(t.Context(), &managementv1.RemoveProjectRoleRequest{ProjectId: id, RoleKey: "reader"}))(t)
		servertest.OK(c.UpdateApp(t.Context(), &managementv1.UpdateAppRequest{ProjectId: id, AppId: app, Name: "x"}))(t)
		servertest.OK(c.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: id, AppId: app}))(t)
	})
}

// second returns the error of a call.
func second[M any](_ M, err error) error { return err }

// A project goes with all that belongs to it, and leaves the rest alone.
func TestRemoveProject(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, other := i.NewMachine(t, "robot"), i.NewMachine(t, "other")
		kept := newProject(t, i.Owner, "Kept")
		addRoles(t, i.Owner, kept, "reader")
		newKeyApp(t, i.Owner, kept, "Backend")
		addGrant(t, i.Owner, robot, kept, "reader")
		before := s.Rows(t)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := newProject(t, c, c.Name("Shop"))
			addRoles(t, c, id, "reader", "writer")
			servertest.OK(c.Management.AddAppKey(t.Context(), keyOf(id, newKeyApp(t, c, id, "Backend"))))(t)
			addGrant(t, c, robot, id, "reader", "writer")
			addGrant(t, c, other, id)
			got := servertest.OK(c.Management.RemoveProject(t.Context(), &managementv1.RemoveProjectRequest{Id: id}))(t)
			s.Equal(t, got, &managementv1.RemoveProjectResponse{Details: details(7, i.OrganizationID)})
			_, err := c.Management.GetProjectByID(t.Context(), &managementv1.GetProjectByIDRequest{Id: id})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			_, err = c.Management.RemoveProject(t.Context(), &managementv1.RemoveProjectRequest{Id: id})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
		after := s.Rows(t)
		delete(before, "events")
		delete(after, "events")
		servertest.SameRows(t, before, after)
		db := s.Open(t)
		defer db.Close()
		for kind, want := range map[string]int{"project.removed": 6, "user.grant.cascade.removed": 12} {
			var count int
			if err := db.QueryRow(`SELECT count(*) FROM events WHERE type = '` + kind + `'`).Scan(&count); err != nil || count != want {
				t.Errorf("%d events %s, %v", count, kind, err)
			}
		}
	})
}

func TestListProjects(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		elsewhere := i.NewOrganization(t, "Second")
		first, last := newProject(t, i.Owner, "First"), newProject(t, i.Owner, "Last")
		newProject(t, i.Owner.In(elsewhere), "First")
		owned := func(by string) *projectv1.ProjectQuery {
			return &projectv1.ProjectQuery{Query: &projectv1.ProjectQuery_ProjectResourceOwnerQuery{
				ProjectResourceOwnerQuery: &projectv1.ProjectResourceOwnerQuery{ResourceOwner: by},
			}}
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ListProjects(t.Context(), &managementv1.ListProjectsRequest{Queries: []*projectv1.ProjectQuery{owned(i.OrganizationID)}}))(t)
			project := func(id, name string) *projectv1.Project {
				return &projectv1.Project{Id: id, Details: details(1, i.OrganizationID), Name: name, State: projectv1.ProjectState_PROJECT_STATE_ACTIVE}
			}
			s.Equal(t, got, &managementv1.ListProjectsResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*projectv1.Project{project(last, "Last"), project(first, "First")},
			})
			page := servertest.OK(c.Management.ListProjects(t.Context(), &managementv1.ListProjectsRequest{Query: &zitadelv1.ListQuery{Asc: true, Offset: 1, Limit: 1}}))(t)
			s.Equal(t, page, &managementv1.ListProjectsResponse{Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*projectv1.Project{project(last, "Last")}})
			none := servertest.OK(c.Management.ListProjects(t.Context(), &managementv1.ListProjectsRequest{Queries: []*projectv1.ProjectQuery{owned(elsewhere)}}))(t)
			s.Equal(t, none, &managementv1.ListProjectsResponse{Details: &zitadelv1.ListDetails{}})
			_, err := c.Management.ListProjects(t.Context(), &managementv1.ListProjectsRequest{Queries: []*projectv1.ProjectQuery{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}
