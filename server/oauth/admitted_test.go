package oauth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// update changes the settings of a project.
func (s *scene) update(t testing.TB, p *ent.Project, settings project.Settings) {
	t.Helper()
	settings.Name = p.Name
	s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) {
		now, err := project.Get(ctx, tx.Project, p.ProjectID)
		if err != nil {
			return store.Change{}, err
		}
		return project.Update(ctx, tx, now, settings)
	})
}

// A project that checks the roles of its users does so whenever its applications
// look at a token, not only when it was given.
func TestIntrospectChecksRoles(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for name, end := range map[string]func(*scene, *ent.UserGrant){
			"deactivated": func(s *scene, g *ent.UserGrant) {
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Deactivate(ctx, tx, g) })
			},
			"removed": func(s *scene, g *ent.UserGrant) {
				s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Remove(ctx, tx, g) })
			},
		} {
			s := newScene(t, d)
			checking := s.newProject(t, s.home, project.Settings{RoleCheck: true}, "guest")
			api, open := s.newAPI(t, checking), s.newAPI(t, s.project)
			g := s.grantRoles(t, checking, s.user, "guest")
			body := s.good(t)
			body.Set("scope", strings.Join([]string{"openid", audienceOf(checking), audienceOf(s.project)}, " "))
			status, _, got := s.do(t, "POST", oauth.TokenPath, form, body.Encode())
			if status != http.StatusOK {
				t.Fatalf("%s: the answer is %d %v", name, status, got)
			}
			texts := []string{got["access_token"].(string), d.PersonalAccessToken(t, s.ctx, s.user, 0).Token}
			for _, text := range texts {
				if told := s.lookAt(t, api, text); told.claims["active"] != true || told.claims[ownRoles] == nil {
					t.Errorf("%s: before it is told %s", name, told.text)
				}
			}
			end(s, g)
			for _, text := range texts {
				if told := s.lookAt(t, api, text); told.text != inactive {
					t.Errorf("%s: %s", name, told.text)
				}
				if told := s.lookAt(t, open, text); told.claims["active"] != true {
					t.Errorf("%s: a project that checks nothing is told %s", name, told.text)
				}
			}
		}
	})
}

// A project that begins to let in only its own users does so at once.
func TestIntrospectChecksOwners(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		foreigner := s.Machine(t, s.ctx, s.other)
		s.grantRoles(t, s.project, foreigner, "reader")
		texts := []string{s.issue(t, foreigner, "openid"), d.PersonalAccessToken(t, s.ctx, foreigner, 0).Token}
		own := s.issue(t, s.user, "openid")
		check := func(active bool) {
			t.Helper()
			for _, text := range texts {
				if told := s.lookAt(t, s.server, text); told.claims["active"] != active || !active && told.text != inactive {
					t.Errorf("of a foreigner: %s", told.text)
				}
			}
			if told := s.lookAt(t, s.server, own); told.claims["active"] != true {
				t.Errorf("of its own user: %s", told.text)
			}
		}
		check(true)
		s.update(t, s.project, project.Settings{HasProjectCheck: true})
		check(false)
	})
}

// The token of an application itself is of no user: a project lets in its own
// ones, and those of its organization where it does not ask for a role.
func TestIntrospectChecksApplications(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		beside, away := s.newProject(t, s.home, project.Settings{}), s.newProject(t, s.other, project.Settings{})
		texts := map[string]string{}
		for name, p := range map[string]*ent.Project{"own": s.project, "beside": beside, "away": away} {
			texts[name] = s.issueAs(t, s.newAPI(t, p).asClient(), nil, "", s.project.ProjectID)
		}
		for _, c := range []struct {
			settings project.Settings
			active   string
		}{
			{project.Settings{}, "own beside away"},
			{project.Settings{HasProjectCheck: true}, "own beside"},
			{project.Settings{RoleCheck: true}, "own"},
		} {
			if c.settings != (project.Settings{}) {
				s.update(t, s.project, c.settings)
			}
			for name, text := range texts {
				if told := s.lookAt(t, s.server, text); told.claims["active"] != strings.Contains(c.active, name) {
					t.Errorf("%+v: %s is told %s", c.settings, name, told.text)
				}
			}
		}
	})
}

// A client exchanges no token that its project does not let in any more.
func TestExchangeChecksRoles(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		checking := s.newProject(t, s.home, project.Settings{RoleCheck: true}, "guest")
		client := s.newClient(t, checking, application.OIDC{GrantTypes: []int32{application.GrantTokenExchange}})
		g := s.grantRoles(t, checking, s.user, "guest")
		text := s.issueAs(t, token.Client{ID: s.user.UserID, UserKey: s.user.ID}, s.user, "openid", checking.ProjectID)
		exchange := func() reply {
			r := &http.Request{Header: http.Header{"Content-Type": {form}}}
			r.SetBasicAuth(client.ClientID, client.secret)
			return s.send(t, "POST", oauth.TokenPath, exchangeOf(text).Encode(), r.Header)
		}
		if got := exchange(); got.status != http.StatusOK {
			t.Errorf("before the answer is %s", got.text)
		}
		s.change(t, func(ctx context.Context, tx *store.Tx) (store.Change, error) { return grant.Deactivate(ctx, tx, g) })
		exchange().refuses(t, "invalid_request")
	})
}
