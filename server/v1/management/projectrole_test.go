package management_test

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// addRoles adds roles to a project.
func addRoles(t *testing.T, c *servertest.Caller, project string, keys ...string) {
	t.Helper()
	request := &managementv1.BulkAddProjectRolesRequest{ProjectId: project}
	for _, key := range keys {
		request.Roles = append(request.Roles, &managementv1.BulkAddProjectRolesRequest_Role{Key: key, DisplayName: "The " + key})
	}
	servertest.OK(c.Management.BulkAddProjectRoles(t.Context(), request))(t)
}

// listRoles returns the roles of a project, oldest first.
func listRoles(t *testing.T, c *servertest.Caller, project string, queries ...*projectv1.RoleQuery) []*projectv1.Role {
	t.Helper()
	got := servertest.OK(c.Management.ListProjectRoles(t.Context(), &managementv1.ListProjectRolesRequest{
		ProjectId: project, Query: &zitadelv1.ListQuery{Asc: true}, Queries: queries,
	}))(t)
	if got.GetDetails().GetTotalResult() != uint64(len(got.GetResult())) {
		t.Errorf("%d roles of %d", len(got.GetResult()), got.GetDetails().GetTotalResult())
	}
	return got.GetResult()
}

// oddRoleKeys are keys of roles that paths and databases like to take for
// something else.
var oddRoleKeys = []string{
	"reader", "shop/orders/read", "/", "a//b", "with space", "Straße", "日本語", "100%", "a%2Fb", "a+b", "a?b=c&d", "a#b", "..", "{x}", "a:b", "_search", `a\b`, `"`,
}

func TestProjectRoles(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id, changes := newProject(t, c, c.Name("Shop")), uint64(1)
			for _, key := range oddRoleKeys {
				if c.Name("") == "-rest" && !pathKeeps(key) {
					continue
				}
				add := &managementv1.AddProjectRoleRequest{ProjectId: id, RoleKey: key, DisplayName: "A", Group: "G"}
				added := servertest.OK(c.Management.AddProjectRole(t.Context(), add))(t)
				s.Equal(t, added, &managementv1.AddProjectRoleResponse{Details: details(changes+1, i.OrganizationID)})
				_, err := c.Management.AddProjectRole(t.Context(), add)
				servertest.Refused(t, err, connect.CodeAlreadyExists, "project.role_exists")

				update := &managementv1.UpdateProjectRoleRequest{ProjectId: id, RoleKey: key, DisplayName: "B", Group: "H"}
				updated := servertest.OK(c.Management.UpdateProjectRole(t.Context(), update))(t)
				s.Equal(t, updated, &managementv1.UpdateProjectRoleResponse{Details: details(changes+2, i.OrganizationID)})
				_, err = c.Management.UpdateProjectRole(t.Context(), update)
				servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
				got := listRoles(t, c, id)
				if len(got) != 1 {
					t.Fatalf("%q: the roles are %v", key, got)
				}
				s.Equal(t, got[0], &projectv1.Role{Key: key, Details: details(changes+2, i.OrganizationID), DisplayName: "B", Group: "H"})

				remove := &managementv1.RemoveProjectRoleRequest{ProjectId: id, RoleKey: key}
				removed := servertest.OK(c.Management.RemoveProjectRole(t.Context(), remove))(t)
				s.Equal(t, removed, &managementv1.RemoveProjectRoleResponse{Details: details(changes+3, i.OrganizationID)})
				_, err = c.Management.RemoveProjectRole(t.Context(), remove)
				servertest.Refused(t, err, connect.CodeNotFound, "project.role_unknown")
				_, err = c.Management.UpdateProjectRole(t.Context(), update)
				servertest.Refused(t, err, connect.CodeNotFound, "project.role_unknown")
				changes += 3
			}
		})
	})
}

// pathKeeps reports whether a key can stand at the end of a path, in which
// clients and proxies make one slash of two and resolve dots, and which must not
// be that of another call.
func pathKeeps(key string) bool {
	return !strings.Contains("/"+key+"/", "//") && key != ".." && key != "_search"
}

func TestBulkAddProjectRoles(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		role := func(key string) *managementv1.BulkAddProjectRolesRequest_Role {
			return &managementv1.BulkAddProjectRolesRequest_Role{Key: key, DisplayName: key, Group: "G"}
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := newProject(t, c, c.Name("Shop"))
			add := func(roles ...*managementv1.BulkAddProjectRolesRequest_Role) (*managementv1.BulkAddProjectRolesResponse, error) {
				return c.Management.BulkAddProjectRoles(t.Context(), &managementv1.BulkAddProjectRolesRequest{ProjectId: id, Roles: roles})
			}
			got := servertest.OK(add(role("a"), role("b")))(t)
			s.Equal(t, got, &managementv1.BulkAddProjectRolesResponse{Details: details(3, i.OrganizationID)})
			for name, refused := range map[string]struct {
				err  error
				code connect.Code
				id   string
			}{
				"none":          {second(add()), connect.CodeFailedPrecondition, "object.unchanged"},
				"one of them":   {second(add(role("c"), role("b"))), connect.CodeAlreadyExists, "project.role_exists"},
				"twice":         {second(add(role("c"), role("c"))), connect.CodeInvalidArgument, "project.role_repeated"},
				"twice in NFC":  {second(add(role("e\u0301"), role("é"))), connect.CodeInvalidArgument, "project.role_repeated"},
				"without a key": {second(add(role("c"), role(""))), connect.CodeInvalidArgument, "request.invalid"},
			} {
				t.Run(name, func(t *testing.T) { servertest.Refused(t, refused.err, refused.code, refused.id) })
			}
			var keys []string
			for _, r := range listRoles(t, c, id) {
				keys = append(keys, r.GetKey())
			}
			if !slices.Equal(keys, []string{"a", "b"}) {
				t.Errorf("the roles are %v", keys)
			}
		})
	})
}

// A role that goes is taken from who has it; who has no other is granted
// nothing any more.
func TestRemoveGrantedRole(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		one, both, none := i.NewMachine(t, "one"), i.NewMachine(t, "both"), i.NewMachine(t, "none")
		id, other := newProject(t, i.Owner, "Shop"), newProject(t, i.Owner, "Other")
		addRoles(t, i.Owner, id, "a", "a/b", "A")
		addRoles(t, i.Owner, other, "a")
		gone := addGrant(t, i.Owner, one, id, "a")
		kept := addGrant(t, i.Owner, both, id, "a/b", "a", "A")
		empty, elsewhere := addGrant(t, i.Owner, none, id), addGrant(t, i.Owner, one, other, "a")
		servertest.OK(i.Owner.Management.RemoveProjectRole(t.Context(), &managementv1.RemoveProjectRoleRequest{ProjectId: id, RoleKey: "a"}))(t)
		_, err := i.Owner.Management.GetUserGrantByID(t.Context(), &managementv1.GetUserGrantByIDRequest{UserId: one, GrantId: gone})
		servertest.Refused(t, err, connect.CodeNotFound, "grant.unknown")
		if got := getGrant(t, i.Owner, both, kept); !slices.Equal(got.GetRoleKeys(), []string{"A", "a/b"}) || got.GetDetails().GetSequence() != 2 {
			t.Errorf("the grant is %v", got)
		}
		getGrant(t, i.Owner, none, empty)
		if got := getGrant(t, i.Owner, one, elsewhere); !slices.Equal(got.GetRoleKeys(), []string{"a"}) || got.GetDetails().GetSequence() != 1 {
			t.Errorf("the grant of the other project is %v", got)
		}
	})
}
