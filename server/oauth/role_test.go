package oauth_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const (
	claimPrefix   = "urn:zitadel:iam:org:project:"
	ownRoles      = claimPrefix + "roles"
	projectsRoles = "urn:zitadel:iam:org:projects:roles"
	roleScope     = claimPrefix + "role:"
)

// Which roles a token tells, to whom.
func TestRoles(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		asserting := s.newProject(t, s.other, project.Settings{RoleAssertion: true}, "guest")
		outside := s.newProject(t, s.other, project.Settings{RoleAssertion: true}, "guest")
		s.grantRoles(t, s.project, s.user, "reader", "writer")
		for _, p := range []*ent.Project{asserting, outside} {
			s.grantRoles(t, p, s.user, "guest")
		}
		both, one := roles(s.home, "home.test", "reader", "writer"), roles(s.home, "home.test", "reader")
		guest := roles(s.other, "other.test", "guest")
		for scope, c := range map[string]struct{ userinfo, introspection map[string]any }{
			"": {
				map[string]any{rolesIn(asserting): guest},
				map[string]any{ownRoles: both, rolesIn(s.project): both},
			},
			projectsRoles: {
				map[string]any{rolesIn(asserting): guest, rolesIn(s.project): both},
				map[string]any{ownRoles: both, rolesIn(s.project): both, rolesIn(asserting): guest},
			},
			roleScope + "reader": {
				map[string]any{rolesIn(s.project): one},
				map[string]any{ownRoles: one, rolesIn(s.project): one},
			},
			roleScope + "reader " + roleScope + "guest": {
				map[string]any{rolesIn(asserting): guest, rolesIn(s.project): one},
				map[string]any{ownRoles: one, rolesIn(s.project): one, rolesIn(asserting): guest},
			},
			roleScope + "none": {map[string]any{}, map[string]any{}},
			projectsRoles + " urn:zitadel:iam:org:id:" + s.home.OrganizationID: {
				map[string]any{rolesIn(s.project): both},
				map[string]any{ownRoles: both, rolesIn(s.project): both},
			},
		} {
			text := s.issue(t, s.user, "openid "+scope, asserting.ProjectID)
			if got := s.userinfo(t, text).told(claimPrefix); !reflect.DeepEqual(got, c.userinfo) {
				t.Errorf("%q: userinfo tells %v, wanted %v", scope, got, c.userinfo)
			}
			if got := s.lookAt(t, s.server, text).told(claimPrefix); !reflect.DeepEqual(got, c.introspection) {
				t.Errorf("%q: introspection tells %v, wanted %v", scope, got, c.introspection)
			}
		}
	})
}

// Roles count while the grant, the project and its organization are active
// (CVE-2024-46999, CVE-2024-47060), and while the project has them.
func TestRolesThatEnded(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for name, end := range map[string]func(*scene, *ent.Project, *ent.UserGrant){
			"deactivated grant": func(s *scene, _ *ent.Project, g *ent.UserGrant) {
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Deactivate(ctx, tx, g) })
			},
			"removed grant": func(s *scene, _ *ent.Project, g *ent.UserGrant) {
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Remove(ctx, tx, g) })
			},
			"deactivated project": func(s *scene, p *ent.Project, _ *ent.UserGrant) { s.deactivateProject(t, p) },
			"deactivated organization": func(s *scene, _ *ent.Project, _ *ent.UserGrant) {
				s.SetOrganizationState(t, s.ctx, s.other, organization.StateInactive)
			},
			"removed role": func(s *scene, p *ent.Project, _ *ent.UserGrant) {
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) {
					change, _, err := project.RemoveRole(ctx, tx, p, "guest")
					return change, err
				})
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newScene(t, d)
				p := s.newProject(t, s.other, project.Settings{RoleAssertion: true}, "guest")
				g := s.grantRoles(t, p, s.user, "guest")
				text := s.issue(t, s.user, "openid "+projectsRoles, p.ProjectID)
				tell := func() int {
					return len(s.userinfo(t, text).told(claimPrefix)) + len(s.lookAt(t, s.server, text).told(claimPrefix))
				}
				if before := tell(); before != 2 {
					t.Fatalf("before there are %d claims", before)
				}
				end(s, p, g)
				if after := tell(); after != 0 {
					t.Errorf("there are still %d claims", after)
				}
			})
		}
	})
}

// The project of an application that got the token is the one that asks.
func TestRolesOfClient(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		asserting := s.newProject(t, s.other, project.Settings{RoleAssertion: true}, "guest")
		s.grantRoles(t, asserting, s.user, "guest")
		s.grantRoles(t, s.project, s.user, "reader")
		quiet, loud := s.newClient(t, s.project, application.OIDC{}), s.newClient(t, asserting, application.OIDC{})
		guest, reader := roles(s.other, "other.test", "guest"), roles(s.home, "home.test", "reader")
		for _, c := range []struct {
			client resourceServer
			scope  string
			want   map[string]any
		}{
			{quiet, "openid", map[string]any{}},
			{quiet, "openid " + roleScope + "reader", map[string]any{ownRoles: reader, rolesIn(s.project): reader}},
			{loud, "openid", map[string]any{ownRoles: guest, rolesIn(asserting): guest}},
		} {
			text := s.issueAs(t, c.client.asClient(), s.user, c.scope)
			if got := s.userinfo(t, text).told(claimPrefix); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: userinfo tells %v, wanted %v", c.scope, got, c.want)
			}
			// The client may look at its own token.
			if got := s.lookAt(t, c.client, text); got.status != http.StatusOK || got.claims["active"] != true || got.claims["client_id"] != c.client.ClientID {
				t.Errorf("%d %s", got.status, got.text)
			}
		}
	})
}
