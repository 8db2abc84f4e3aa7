package oauth_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	directory "github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Nobody brings the id of a project, of an application or of a client, nor the
// name of the APIs, for a user: its tokens would be good there.
func TestUserIDIsNobodysAudience(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newInstallation(t, s, "acme")
		m := w.i.Owner.Management
		gone := servertest.OK(m.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: "gone"}))(t).GetId()
		servertest.OK(m.RemoveProject(t.Context(), &managementv1.RemoveProjectRequest{Id: gone}))(t)
		for name, taken := range map[string]string{
			"project": w.project, "removed project": gone, "application": w.api.appID, "client": w.api.clientID, "APIs": "zitadel",
		} {
			_, err := m.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserId: &taken, UserName: name, Name: name})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.id_taken")
		}
		other := s.NewInstance(t, "other").Owner.Management
		servertest.OK(other.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserId: &w.project, UserName: "robot", Name: "robot"}))(t)
	})
}

// The id of a machine user is in the audience of its own tokens, but opens no
// project by an exchange, whatever that one's id is.
func TestExchangeReachesNoNamesake(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.Project.Create().SetProjectID(w.user.UserID).SetOrganization(w.home).SetResourceOwner(w.home.OrganizationID).
				SetName("namesake").SetNameKey(store.Key("namesake")).Save(ctx)
			if err == nil {
				_, err = tx.Record(ctx, store.ProjectAdded, store.ProjectObject(row), store.Payload{})
			}
			return err
		})
		source := w.tokenFor(t, w.user, w.app).Token
		w.refused(t, w.app, with(exchangeOf(source), "audience", w.user.UserID), "invalid_target")
		if b := w.bearer(t, w.exchanged(t, exchangeOf(source))["access_token"]); slices.Contains(b.Audience, w.user.UserID) {
			t.Errorf("the audience is %v", b.Audience)
		}
	})
}

// A project that the user may not address is no target, and is not inherited.
func TestExchangeAsksTheProject(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		other := d.Organization(t, w.ctx, w.instance)
		set := func(o *ent.Organization, s project.Settings) testApp {
			app := w.newApp(t, o, directory.API(directory.APIBasic))
			s.Name = app.project.Name
			if s.RoleCheck || s.HasProjectCheck {
				w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
					_, err := project.Update(ctx, tx, app.project, s)
					return err
				})
			}
			return app
		}
		inactive := set(w.home, project.Settings{})
		w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := project.Deactivate(ctx, tx, inactive.project)
			return err
		})
		confined := "urn:zitadel:iam:org:id:" + w.home.OrganizationID
		for name, c := range map[string]struct {
			app  testApp
			also string // a scope
			may  bool
		}{
			"its own organization's": {set(w.home, project.Settings{HasProjectCheck: true}), "", true},
			"another's":              {set(other, project.Settings{}), "", true},
			"without a role":         {set(w.home, project.Settings{RoleCheck: true}), "", false},
			"closed to others":       {set(other, project.Settings{HasProjectCheck: true}), "", false},
			"inactive":               {inactive, "", false},
			"confined to another":    {set(other, project.Settings{}), confined, false},
		} {
			t.Run(name, func(t *testing.T) {
				id, scope := c.app.project.ProjectID, audienceOf(c.app.project)
				source := w.tokenFor(t, w.user, w.app, func(g *token.Grant) {
					g.Scopes = append(g.Scopes, scope)
					g.Audience = append(g.Audience, id, c.app.ClientID)
					if c.also != "" {
						g.Scopes = append(g.Scopes, c.also)
					}
				}).Token
				// Everything is inherited but what may not be addressed.
				got := w.exchanged(t, exchangeOf(source))
				b := w.bearer(t, got["access_token"])
				told, _ := got["scope"].(string)
				if slices.Contains(b.Audience, id) != c.may || slices.Contains(b.Scopes, scope) != c.may || strings.Contains(told, scope) != c.may ||
					!slices.Contains(b.Scopes, token.ScopeAPI) {
					t.Errorf("the audience is %v, the scopes are %v, told is %s", b.Audience, b.Scopes, told)
				}
				asks := with(exchangeOf(source, "scope", "openid"), "audience", id)
				if !c.may {
					w.refused(t, w.app, asks, "invalid_target")
				} else if b := w.bearer(t, w.exchanged(t, asks)["access_token"]); !slices.Contains(b.Audience, id) {
					t.Errorf("the audience is %v", b.Audience)
				}
				b = w.bearer(t, w.exchanged(t, with(exchangeOf(source), "audience", c.app.ClientID))["access_token"])
				if !slices.Contains(b.Audience, c.app.ClientID) || slices.Contains(b.Audience, id) {
					t.Errorf("the audience is %v", b.Audience)
				}
			})
		}
	})
}

// What the token that is exchanged never told of its user, the new one does not
// tell. Where an actor names the user, there is nothing to go beyond.
func TestExchangeTellsNoMore(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		_, proof := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
		for _, held := range []string{"openid", "profile", "email", "phone"} {
			source := w.tokenFor(t, w.user, w.app, func(g *token.Grant) { g.Scopes = []string{held} }).Token
			for _, asked := range []string{"openid", "profile", "email", "phone"} {
				for _, values := range []url.Values{
					exchangeOf(source, "scope", asked),
					exchangeOf(source, "scope", asked, "actor_token", proof.Token, "actor_token_type", accessType),
				} {
					if held == asked {
						w.exchanged(t, values)
					} else {
						w.refused(t, w.app, values, "invalid_scope")
					}
				}
			}
		}
		got := w.exchanged(t, impersonate(w.user, proof.Token, "scope", "openid profile email phone"))
		if b := w.bearer(t, got["access_token"]); len(b.Scopes) != 4 {
			t.Errorf("the scopes are %v", b.Scopes)
		}
	})
}
