package oauth_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// changed is the configuration of a client that may exchange tokens, and
// authenticates in a way.
func changed(t *testing.T, method int32) application.Config {
	t.Helper()
	c := exchanging(0)
	c.AuthMethod = method
	config, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// changeApp changes an application.
func (w *exchangeWorld) changeApp(t *testing.T, a testApp, f func(context.Context, *store.Tx, *ent.Application) error) {
	t.Helper()
	w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Lock(ctx, store.ProjectObject(a.project)); err != nil {
			return err
		}
		row, err := application.Get(ctx, tx.Application, a.project, a.ApplicationID)
		if err != nil {
			return err
		}
		return f(ctx, tx, row)
	})
}

// replaceSecret, removeKey and reconfigure take back what an application
// authenticated with.
func (w *exchangeWorld) replaceSecret(t *testing.T, a testApp) {
	w.changeApp(t, a, func(ctx context.Context, tx *store.Tx, row *ent.Application) error {
		_, err := application.SetSecret(ctx, tx, a.project, row, row.Kind, application.NewSecret())
		return err
	})
}

func (w *exchangeWorld) removeKey(t *testing.T, a testApp, keyID string) {
	w.changeApp(t, a, func(ctx context.Context, tx *store.Tx, row *ent.Application) error {
		_, _, err := token.RemoveApplicationKey(ctx, tx, a.project, row, keyID)
		return err
	})
}

func (w *exchangeWorld) reconfigure(t *testing.T, a testApp, c application.Config) {
	w.changeApp(t, a, func(ctx context.Context, tx *store.Tx, row *ent.Application) error {
		_, err := application.Configure(ctx, tx, a.project, row, c)
		return err
	})
}

// A secret or a key that a client loses ends what it exchanged, and no more.
func TestExchangedEndsWithTheClientsCredential(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		first, second := w.app, w.newApp(t, w.home, exchanging(0))
		source := w.tokenFor(t, w.user, first, func(g *token.Grant) { g.Audience = append(g.Audience, second.ClientID) }).Token
		one := w.exchanged(t, with(exchangeOf(source), "audience", second.ClientID, "zitadel"))["access_token"]
		w.app = second
		two := w.exchanged(t, exchangeOf(one.(string)))["access_token"]
		apart := w.exchanged(t, exchangeOf(source))["access_token"]
		w.replaceSecret(t, first)
		if w.valid(one) || w.valid(two) {
			t.Error("a token is valid that was got with a secret that was replaced, or one that was exchanged for it")
		}
		if !w.valid(source) || !w.valid(apart) {
			t.Error("another token ended")
		}

		keyed := w.newApp(t, w.home, changed(t, application.OIDCPrivateKeyJWT))
		as := app{project: keyed.project, row: keyed.Application}
		keyID, private := w.applicationKey(t, as, 0)
		other, _ := w.applicationKey(t, as, 0)
		values := exchangeOf(w.tokenFor(t, w.user, keyed).Token)
		for name, all := range signed(tokentest.Sign(t, jose.RS256, private, keyID, w.selfSigned(as))).form {
			if values.Get(name) == "" {
				values[name] = all
			}
		}
		w.app = testApp{}
		given := w.exchanged(t, values)["access_token"]
		w.removeKey(t, keyed, keyID)
		if w.valid(given) {
			t.Error("a token is valid that was got with a key that was removed")
		}
		if n := d.Store.Read().ApplicationKey.Query().CountX(w.ctx); n != 1 {
			t.Errorf("%d keys are left beside %s", n, other)
		}
	})
}

// A client that has authenticated gets nothing once it could not do so any more
// in the same way.
func TestNothingIsIssuedAfterTheClientChanged(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		for name, c := range map[string]struct {
			before application.Config
			change func(a testApp, keyID string)
			// good tells that what the client authenticated with is good still.
			good bool
		}{
			"an API's key, the method changed":     {apiByKey, func(a testApp, _ string) { w.reconfigure(t, a, apiBySecret) }, false},
			"an API's secret, the method changed":  {apiBySecret, func(a testApp, _ string) { w.reconfigure(t, a, apiByKey) }, false},
			"a client's secret, sent another way":  {changed(t, application.OIDCBasic), func(a testApp, _ string) { w.reconfigure(t, a, changed(t, application.OIDCPost)) }, false},
			"a client's secret, replaced":          {changed(t, application.OIDCBasic), func(a testApp, _ string) { w.replaceSecret(t, a) }, false},
			"a client's key, the method changed":   {changed(t, application.OIDCPrivateKeyJWT), func(a testApp, _ string) { w.reconfigure(t, a, changed(t, application.OIDCBasic)) }, false},
			"a client's key, removed":              {changed(t, application.OIDCPrivateKeyJWT), func(a testApp, keyID string) { w.removeKey(t, a, keyID) }, false},
			"a client's secret, the name changed":  {changed(t, application.OIDCBasic), func(a testApp, _ string) { w.rename(t, a) }, true},
			"a client's key, the name changed":     {changed(t, application.OIDCPrivateKeyJWT), func(a testApp, _ string) { w.rename(t, a) }, true},
			"an API's secret, the name changed":    {apiBySecret, func(a testApp, _ string) { w.rename(t, a) }, true},
			"an API's key, the name changed":       {apiByKey, func(a testApp, _ string) { w.rename(t, a) }, true},
			"an API's key, another one is removed": {apiByKey, func(a testApp, _ string) { w.removeKey(t, a, w.anotherKey(t, a)) }, true},
		} {
			t.Run(name, func(t *testing.T) {
				a := w.newApp(t, w.home, c.before)
				var keyID string
				client, err := d.Tokens.ApplicationBySecret(w.ctx, a.ClientID, a.secret)
				if application.TakesKey(c.before.Kind, c.before.AuthMethod) {
					as := app{project: a.project, row: a.Application}
					id, private := w.applicationKey(t, as, 0)
					keyID = id
					client, err = d.Tokens.ApplicationByAssertion(w.ctx, tokentest.Sign(t, jose.RS256, private, id, w.selfSigned(as)), []string{origin})
				}
				if err != nil {
					t.Fatal(err)
				}
				c.change(a, keyID)
				g := token.Grant{Client: client, Credential: client.Credential, Audience: []string{client.ID}}
				if c.before.Kind == entapplication.KindOidc {
					g.Credential = w.tokenFor(t, w.user, a).ID
					g.UserKey, g.UserID = w.user.ID, w.user.UserID
				}
				if _, err := d.Tokens.Issue(w.ctx, g); errors.Is(err, fault.GrantInvalid.With()) == c.good || err != nil && c.good {
					t.Errorf("the error is %v", err)
				}
			})
		}
	})
}

func (w *exchangeWorld) rename(t *testing.T, a testApp) {
	w.changeApp(t, a, func(ctx context.Context, tx *store.Tx, row *ent.Application) error {
		_, err := application.Rename(ctx, tx, a.project, row, "renamed")
		return err
	})
}

// anotherKey gives an application one more.
func (w *exchangeWorld) anotherKey(t *testing.T, a testApp) string {
	keyID, _ := w.applicationKey(t, app{project: a.project, row: a.Application}, 0)
	return keyID
}

// What was exchanged with the help of two tokens ends with either.
func TestImpersonationEndsWithEitherToken(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		actor, _ := w.impersonator(t, "IAM_ADMIN_IMPERSONATOR")
		get := func() (subject, proof, next string, given any) {
			subject, proof = w.tokenFor(t, w.user, w.app, gotBy(w.app)).Token, w.tokenFor(t, actor, w.app, gotBy(w.app)).Token
			given = w.exchanged(t, exchangeOf(subject, "actor_token", proof, "actor_token_type", accessType))["access_token"]
			next = w.exchanged(t, exchangeOf(given.(string)))["access_token"].(string)
			return subject, proof, next, given
		}
		subject, proof, next, given := get()
		_, _, _, apart := get()
		w.revoked(t, w.app, "token", subject)
		if w.valid(given) || w.valid(next) {
			t.Error("a token outlives that of the user who is impersonated")
		}
		if !w.valid(proof) || !w.valid(apart) {
			t.Error("another token ended")
		}
		subject, proof, next, given = get()
		w.revoked(t, w.app, "token", proof)
		if w.valid(given) || w.valid(next) || !w.valid(subject) {
			t.Error("a token outlives that of the actor, or that of the user ended")
		}

		pat, own := d.PersonalAccessToken(t, w.ctx, w.user, 0).Token, w.tokenFor(t, actor, w.app).Token
		given = w.exchanged(t, exchangeOf(pat, "actor_token", own, "actor_token_type", accessType))["access_token"]
		w.revoked(t, testApp{}, "token", pat, "client_id", w.user.UserID)
		if w.valid(given) {
			t.Error("a token outlives the personal one of the user who is impersonated")
		}
	})
}

// A token that is exchanged while it ends with its application leaves nothing
// behind.
func TestExchangeWhileTheApplicationIsRemoved(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		first, second := w.app, w.newApp(t, w.home, exchanging(0))
		source := w.tokenFor(t, w.user, first, func(g *token.Grant) { g.Audience = append(g.Audience, second.ClientID) })
		one := w.exchanged(t, with(exchangeOf(source.Token), "audience", second.ClientID, "zitadel"))["access_token"].(string)
		removed := make(chan error, 1)
		remove := func() {
			removed <- d.Store.Write(w.ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.Lock(ctx, store.ProjectObject(first.project)); err != nil {
					return err
				}
				_, err := application.Remove(ctx, tx, first.project, first.Application)
				return err
			})
		}
		w.app = second
		var two any
		if d.Postgres {
			b := w.bearer(t, one)
			d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
				if kept, err := b.Keep(ctx, tx); err != nil || !kept {
					return errors.Join(err, errors.New("the token is gone"))
				}
				go remove()
				for len(removed) == 0 && !isAwaited(t, ctx, tx) {
					runtime.Gosched()
				}
				two = w.exchanged(t, exchangeOf(one))["access_token"]
				return nil
			})
		} else {
			two = w.exchanged(t, exchangeOf(one))["access_token"]
			remove()
		}
		if err := <-removed; err != nil {
			t.Fatal(err)
		}
		if w.valid(one) || w.valid(two) {
			t.Error("a token outlives the application")
		}
	})
}

// isAwaited reports whether another transaction of the database waits for a lock.
func isAwaited(t *testing.T, ctx context.Context, tx *store.Tx) (awaited bool) {
	t.Helper()
	rows, err := tx.QueryContext(ctx, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err != nil {
		t.Fatal(err)
	}
	awaited = rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return awaited
}
