package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// warm is a scene in which all was asked for before.
type warm struct {
	*scene
	text, ownText string
	grant         *ent.UserGrant
	secret        string
	// asks are calls, by what they are; each tells what the answer comes down to.
	asks map[string]func() any
}

func newWarm(t *testing.T, d *tokentest.Directory) *warm {
	w := &warm{scene: newScene(t, d)}
	w.grant = w.grantRoles(t, w.project, w.user, "reader", "writer")
	w.text = w.issue(t, w.user, "openid profile "+token.ScopeAPI+" urn:zitadel:iam:user:resourceowner urn:zitadel:iam:org:projects:roles")
	w.ownText = w.issueAs(t, w.server.asClient(), nil, "", w.project.ProjectID)
	w.secret = w.machineSecret(t, w.user)
	ask := func(r request) func() any {
		return func() any {
			status, _, _ := w.ask(t, r)
			return status
		}
	}
	assertion := tokentest.Sign(t, jose.RS256, w.key.Private, w.key.ID, tokentest.SelfSigned(w.user.UserID, origin, w.Clock.Now()))
	w.asks = map[string]func() any{
		"introspection": func() any {
			r := w.lookAt(t, w.server, w.text)
			return []any{r.status, r.claims["active"]}
		},
		"introspection of its own": func() any {
			r := w.lookAt(t, w.server, w.ownText)
			return []any{r.status, r.claims["active"]}
		},
		"userinfo": func() any { return w.userinfo(t, w.text).status },
		"API": func() any {
			_, err := d.Tokens.Authenticate(w.ctx, w.text, nil)
			return err == nil
		},
		"JWT profile": func() any {
			status, _, _ := w.do(t, "POST", oauth.TokenPath, form, url.Values{"grant_type": {bearer}, "assertion": {assertion}, "scope": {scopes}}.Encode())
			return status
		},
		"client credentials":                   ask(byBasic(w.user.UserID, w.secret)),
		"client credentials of an application": ask(byBasic(w.server.ClientID, w.server.secret)),
	}
	for range 2 {
		for name, ask := range w.asks {
			if got := ask(); !good(got) {
				t.Fatalf("%s: to begin with the answer is %v", name, got)
			}
		}
	}
	return w
}

// good reports whether an answer of warm is one that tells something.
func good(got any) bool {
	switch got := got.(type) {
	case []any:
		return got[0] == http.StatusOK && got[1] == true
	case bool:
		return got
	}
	return got == http.StatusOK
}

// The very next call of every kind sees what was taken back, whatever was asked
// for before.
func TestTakenBackAtOnce(t *testing.T) {
	const (
		look, own, info, api  = "introspection", "introspection of its own", "userinfo", "API"
		assert, secret, basic = "JWT profile", "client credentials", "client credentials of an application"
	)
	ofUser, ofServer := []string{look, info, api, assert, secret}, []string{look, own, basic}
	all := []string{look, own, info, api, assert, secret, basic}
	type change = func(context.Context, *store.Tx, *warm) error
	done := func(_ store.Change, err error) error { return err }
	changes := map[string]struct {
		change change
		ends   []string
	}{
		"user deactivated": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return w.setState(ctx, tx, tx.User.UpdateOneID(w.user.ID).SetState(user.StateInactive).Exec(ctx))
		}, ofUser},
		"organization deactivated": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return w.setState(ctx, tx, tx.Organization.UpdateOneID(w.home.ID).SetState(organization.StateInactive).Exec(ctx))
		}, all},
		"organization removed": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return w.setState(ctx, tx, tx.Organization.UpdateOneID(w.home.ID).SetState(organization.StateRemoved).Exec(ctx))
		}, all},
		"project deactivated": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return done(project.Deactivate(ctx, tx, w.project))
		}, ofServer},
		"application deactivated": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return done(application.Deactivate(ctx, tx, w.project, w.server.Application))
		}, ofServer},
		"application removed": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return done(application.Remove(ctx, tx, w.project, w.server.Application))
		}, ofServer},
		"authentication method changed": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return done(application.Configure(ctx, tx, w.project, w.server.Application, application.API(application.APIPrivateKeyJWT)))
		}, []string{look, own, basic}},
		"secret of an application replaced": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			n, err := application.Prepare(w.Store, "other", application.API(application.APIBasic))
			if err != nil {
				return err
			}
			return done(application.SetSecret(ctx, tx, w.project, w.server.Application, w.server.Kind, n.Secret))
		}, []string{look, own, basic}},
		"secret removed": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			u, err := tx.User.Get(ctx, w.user.ID)
			if err != nil {
				return err
			}
			return done(token.RemoveMachineSecret(ctx, tx, u))
		}, []string{secret}},
		"machine key removed": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			_, _, err := token.RemoveMachineKey(ctx, tx, w.user, w.key.ID)
			return err
		}, []string{assert}},
		"tokens ended": {func(ctx context.Context, tx *store.Tx, w *warm) error {
			return token.EndTokens(ctx, tx)
		}, []string{look, own, info, api}},
	}
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for what, c := range changes {
			t.Run(what, func(t *testing.T) {
				w := newWarm(t, d)
				w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error { return c.change(ctx, tx, w) })
				for name, ask := range w.asks {
					if got := ask(); good(got) == slices.Contains(c.ends, name) {
						t.Errorf("%s: the answer is %v", name, got)
					}
				}
			})
		}
	})
}

// setState records a change of state that was made by hand.
func (s *scene) setState(ctx context.Context, tx *store.Tx, err error) error {
	if err == nil {
		_, err = tx.Record(ctx, "state.set", store.InstanceObject(s.instance), store.Payload{})
	}
	return err
}

// The very next answer tells what is so now, whatever was told before.
func TestToldAtOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newWarm(t, d)
		const mine, own = "urn:zitadel:iam:org:project:roles", "urn:zitadel:iam:user:resourceowner:"
		told := func() (at, inside map[string]any) {
			for range 2 {
				at, inside = w.userinfo(t, w.text).claims, w.lookAt(t, w.server, w.text).claims
			}
			return at, inside
		}
		// in is a step; want has the claims that are told after it, nil for none.
		in := func(what string, change func(context.Context, *store.Tx) error, want map[string]any) {
			t.Helper()
			told()
			w.Clock.Advance(2e9)
			w.Write(t, w.ctx, change)
			at, inside := w.userinfo(t, w.text).claims, w.lookAt(t, w.server, w.text).claims
			for name, value := range want {
				if name != mine && !sameJSON(t, at[name], value) || !sameJSON(t, inside[name], value) {
					t.Errorf("%s: %s is %v and %v", what, name, at[name], inside[name])
				}
			}
		}
		keys := func(domain string, keys ...string) map[string]any { return roles(w.home, domain, keys...) }
		in("roles changed", func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Update(ctx, tx, w.grant, []string{"writer"})
			return err
		}, map[string]any{mine: keys("home.test", "writer")})
		in("grant deactivated", func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Deactivate(ctx, tx, w.grant)
			return err
		}, map[string]any{mine: nil})
		in("grant removed", func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Remove(ctx, tx, w.grant)
			return err
		}, map[string]any{mine: nil})
		in("grant added", func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Add(ctx, tx, "again", w.project, w.user, []string{"reader", "writer"})
			return err
		}, map[string]any{mine: keys("home.test", "reader", "writer")})
		in("role removed", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := project.RemoveRole(ctx, tx, w.project, "writer")
			if err == nil {
				err = grant.TakeRole(ctx, tx, w.project, "writer")
			}
			return err
		}, map[string]any{mine: keys("home.test", "reader")})
		in("primary domain", func(ctx context.Context, tx *store.Tx) error {
			err := tx.OrganizationDomain.Create().SetOrganization(w.home).SetDomain("new.test").SetVerified(true).SetIsPrimary(false).Exec(ctx)
			if err == nil {
				_, _, err = domain.SetPrimaryClaim(ctx, tx, w.home, "new.test")
			}
			return err
		}, map[string]any{mine: keys("new.test", "reader"), own + "primary_domain": "new.test"})
		in("domains removed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.OrganizationDomain.Delete().Where(organizationdomain.OrganizationPk(w.home.ID)).Exec(ctx)
			return w.setState(ctx, tx, err)
		}, map[string]any{mine: keys("", "reader"), own + "primary_domain": ""})
		in("domain added", func(ctx context.Context, tx *store.Tx) error {
			return w.setState(ctx, tx, tx.OrganizationDomain.Create().SetOrganization(w.home).SetDomain("more.test").SetVerified(true).SetIsPrimary(true).Exec(ctx))
		}, map[string]any{mine: keys("more.test", "reader"), own + "primary_domain": "more.test"})
		in("organization renamed", func(ctx context.Context, tx *store.Tx) error {
			return w.setState(ctx, tx, tx.Organization.UpdateOneID(w.home.ID).SetName("Renamed").Exec(ctx))
		}, map[string]any{own + "name": "Renamed"})
		in("user renamed", func(ctx context.Context, tx *store.Tx) error {
			return w.setState(ctx, tx, tx.User.UpdateOneID(w.user.ID).SetUserName("robot").SetDisplayName("Robot").Exec(ctx))
		}, map[string]any{"preferred_username": "robot", "name": "Robot"})
		in("counted only", func(ctx context.Context, tx *store.Tx) error {
			_, err := metadata.Set(ctx, tx, metadata.OnUser(w.user), metadata.Value{Key: "k", Value: []byte("v")})
			return err
		}, map[string]any{"updated_at": d.Clock.Now().Unix() + 2})
	})
}

// sameJSON reports whether a claim is what JSON makes of a value.
func sameJSON(t *testing.T, claim, value any) bool {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var wanted any
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(claim, wanted)
}
