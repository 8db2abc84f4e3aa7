package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

func equalJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var left, right any
	if err := json.Unmarshal([]byte(a), &left); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &right); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(left, right)
}

// gotBy makes an application the one that got a token.
func gotBy(app testApp) func(*token.Grant) {
	return func(g *token.Grant) { g.Client, g.Credential = app.client(), "secret" }
}

// revoked checks that a request is answered as if a token was taken back.
func (w *exchangeWorld) revoked(t testing.TB, as testApp, pairs ...string) {
	t.Helper()
	if status, got := w.post(t, oauth.RevocationPath, as, pairsOf(pairs)); status != http.StatusOK || len(got) != 0 {
		t.Errorf("the answer is %d %v", status, got)
	}
}

// notRevoked checks that a request is refused.
func (w *exchangeWorld) notRevoked(t testing.TB, as testApp, wanted int, code string, pairs ...string) {
	t.Helper()
	if status, got := w.post(t, oauth.RevocationPath, as, pairsOf(pairs)); status != wanted || got["error"] != code {
		t.Errorf("the answer is %d %v, not %d %s", status, got, wanted, code)
	}
}

func pairsOf(pairs []string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// The client that a token was issued to takes it back: the next call with it is
// refused, and the history has it once.
func TestRevoke(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		issued := w.tokenFor(t, w.user, w.app, gotBy(w.app))
		other := w.tokenFor(t, w.user, w.app, gotBy(w.app))
		if !w.valid(issued.Token) {
			t.Fatal("the token is not valid to begin with")
		}
		for _, hint := range []string{"access_token", "refresh_token", "x"} { // the second finds it gone
			w.revoked(t, w.app, "token", issued.Token, "token_type_hint", hint)
			if w.valid(issued.Token) || !w.valid(other.Token) {
				t.Error("the token is valid, or another is not")
			}
		}
		events := w.events(t, store.UserTokenRemoved)
		if len(events) != 1 {
			t.Fatalf("the events are %v", events)
		}
		if e := events[0]; e.AggregateID != w.user.UserID || e.EditorType != event.EditorTypeNone ||
			len(e.Payload) != 2 || e.Payload["tokenId"] != issued.ID || e.Payload["clientId"] != w.app.ClientID {
			t.Errorf("the event is %v %v", e, e.Payload)
		}
		if strings.Contains(w.log.String(), issued.Token) {
			t.Errorf("the log is %s", w.log)
		}
	})
}

// A token of an application itself is its project's.
func TestRevokeOfApplication(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		text := w.applicationToken(t)
		b := w.bearer(t, text)
		w.revoked(t, w.app, "token", text)
		w.revoked(t, w.app, "token", text)
		if _, err := d.Tokens.Bearer(w.ctx, text); err == nil {
			t.Error("the token is valid still")
		}
		events := w.events(t, store.ProjectApplicationTokenRemoved)
		if len(events) != 1 || events[0].AggregateID != w.app.project.ProjectID || events[0].Payload["tokenId"] != b.TokenID {
			t.Errorf("the events are %v", events)
		}
	})
}

// Who took nothing back is not told so (RFC 7009, 2.2).
func TestRevokeNothing(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		other := w.newApp(t, w.home, exchanging(0))
		elsewhere := newExchangeWorld(t, d)
		keep := []string{
			w.tokenFor(t, w.user, w.app, gotBy(other)).Token,
			w.tokenFor(t, w.user, w.app).Token, // of the machine itself
			d.PersonalAccessToken(t, w.ctx, w.user, 0).Token,
		}
		foreign := elsewhere.tokenFor(t, elsewhere.user, elsewhere.app, gotBy(elsewhere.app)).Token
		expired := w.tokenFor(t, w.user, w.app, gotBy(w.app), w.until(time.Minute)).Token
		d.Clock.Advance(time.Hour)
		for _, text := range append(slices.Clone(keep),
			foreign, expired, keep[0][:len(keep[0])-1], "x", "a.b.c", w.app.secret, id.NewToken(id.AccessToken), strings.Repeat("x", 50000)) {
			w.revoked(t, w.app, "token", text)
		}
		for _, text := range keep {
			if !w.valid(text) {
				t.Error("a client took back what is not its own")
			}
		}
		if !elsewhere.valid(foreign) {
			t.Error("a client took back a token of another instance")
		}
		if events := w.events(t, store.UserTokenRemoved, store.UserPATRemoved); len(events) != 0 {
			t.Errorf("the events are %v", events)
		}
	})
}

// Bad requests.
func TestRevokeRefusals(t *testing.T) {
	w := newExchangeWorld(t, tokentest.SQLite(t, nil))
	issued := w.tokenFor(t, w.user, w.app, gotBy(w.app)).Token
	wrong := testApp{Application: w.app.Application, secret: id.NewToken(id.ApplicationSecret)}
	w.notRevoked(t, w.app, 400, "invalid_request")
	w.notRevoked(t, w.app, 400, "invalid_request", "token", "")
	w.notRevoked(t, wrong, 401, "invalid_client", "token", issued)
	w.notRevoked(t, testApp{}, 401, "invalid_client", "token", issued)
	w.notRevoked(t, testApp{}, 401, "invalid_client", "token", issued, "client_id", w.app.ClientID)
	w.notRevoked(t, testApp{}, 401, "invalid_client", "token", "x", "client_id", w.app.ClientID)
	w.notRevoked(t, testApp{}, 401, "invalid_client", "token", issued, "client_id", w.app.ClientID, "client_secret", wrong.secret)
	if !w.valid(issued) {
		t.Error("a refused request took the token back")
	}
	for _, body := range []string{"token=a&token=b", "%zz"} {
		if status, _, got := w.do(t, "POST", oauth.RevocationPath, form, body); status != 400 || got["error"] != "invalid_request" {
			t.Errorf("the answer is %d %v", status, got)
		}
	}
	if status, _, got := w.do(t, "POST", oauth.RevocationPath+"?token="+issued, "application/json", "{}"); status != 400 {
		t.Errorf("the answer is %d %v", status, got)
	}
	if status, header, _ := w.do(t, "GET", oauth.RevocationPath, "", ""); status != 405 || header.Get("Allow") != "POST" {
		t.Errorf("GET is answered %d", status)
	}
}

// Published clients authenticate in the header, in the body, or in both with the
// same.
func TestRevokeAuthentication(t *testing.T) {
	w := newExchangeWorld(t, tokentest.SQLite(t, nil))
	issue := func() string { return w.tokenFor(t, w.user, w.app, gotBy(w.app)).Token }
	body := issue()
	w.revoked(t, testApp{}, "token", body, "client_id", w.app.ClientID, "client_secret", w.app.secret)
	both := issue()
	w.revoked(t, w.app, "token", both, "client_id", w.app.ClientID, "client_secret", w.app.secret)
	if w.valid(body) || w.valid(both) {
		t.Error("a token is valid still")
	}
	kept := issue()
	w.notRevoked(t, w.app, 400, "invalid_request", "token", kept, "client_id", w.app.ClientID, "client_secret", "x")
	if !w.valid(kept) {
		t.Error("a refused request took the token back")
	}
}

// gotBySecret returns a token that the user got with its secret.
func (w *exchangeWorld) gotBySecret(t *testing.T, u *ent.User) string {
	t.Helper()
	text, tokenID := id.NewToken(id.AccessToken), w.tokenFor(t, u, w.app).ID+"s"
	w.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.AccessToken.Create().SetTokenID(tokenID).SetHash(id.Hash(text)).SetUserPk(u.ID).SetCredential("secret").
			SetScopes([]string{token.ScopeAPI}).SetAudience([]string{}).SetExpiresAt(tx.Now().Add(time.Hour)).Exec(ctx)
	})
	return text
}

// Whoever has nothing to authenticate with shows the token itself.
func TestRevokeUnproved(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		public := w.newApp(t, w.home, application.OIDC{AuthMethod: application.OIDCNone})
		ofPublic := w.tokenFor(t, w.user, w.app, gotBy(public), func(g *token.Grant) { g.Credential = "" }).Token
		byKey := w.tokenFor(t, w.user, w.app, func(g *token.Grant) { g.Credential = w.key.ID }).Token
		bySecret := w.gotBySecret(t, w.user)
		pat := d.PersonalAccessToken(t, w.ctx, w.user, 0)
		another := d.Machine(t, w.ctx, w.home)
		me := []string{"client_id", w.user.UserID, "token"}

		for _, text := range []string{byKey, pat.Token} {
			for _, other := range []string{another.UserID, public.ClientID, "1", strings.Repeat("1", 1000)} {
				w.revoked(t, testApp{}, "token", text, "client_id", other)
				if !w.valid(text) {
					t.Fatal("another client took the token back")
				}
			}
		}
		w.notRevoked(t, testApp{}, 401, "invalid_client", append(me, bySecret)...)
		if !w.valid(bySecret) {
			t.Error("a token that was got with a secret is taken back without")
		}
		w.revoked(t, testApp{}, append(me, "x")...)
		w.revoked(t, testApp{}, append(me, byKey)...)
		w.revoked(t, testApp{}, append(me, byKey)...)
		w.revoked(t, testApp{}, append(me, pat.Token)...)
		w.revoked(t, testApp{}, append(me, pat.Token)...)
		w.revoked(t, testApp{}, "token", ofPublic, "client_id", public.ClientID)
		if w.valid(byKey) || w.valid(pat.Token) || w.valid(ofPublic) {
			t.Error("a token is valid still")
		}
		events := w.events(t, store.UserTokenRemoved, store.UserPATRemoved)
		if len(events) != 3 || events[0].Type != "user.token.removed" || events[1].Type != "user.pat.removed" || events[1].Payload["tokenId"] != pat.ID ||
			events[0].EditorID != w.user.UserID || events[1].EditorID != w.user.UserID || events[2].EditorID != "" {
			t.Errorf("the events are %v", events)
		}

		secret := token.NewMachineSecret()
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := secret.Save(ctx, tx, w.user)
			return err
		})
		issued := w.gotBySecret(t, w.user)
		w.revoked(t, testApp{Application: &ent.Application{ClientID: w.user.UserID}, secret: secret.Secret}, "token", issued)
		if w.valid(issued) {
			t.Error("the token is valid still")
		}
	})
}

// A token that is taken back takes along what was exchanged for it, by whomever,
// and nothing else.
func TestRevokeExchanged(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		second := w.newApp(t, w.home, exchanging(0))
		source := w.tokenFor(t, w.user, w.app, gotBy(w.app), func(g *token.Grant) { g.Audience = append(g.Audience, second.ClientID) })
		other := w.tokenFor(t, w.user, w.app, gotBy(w.app))
		one := w.exchanged(t, with(exchangeOf(source.Token), "audience", second.ClientID, "zitadel"))["access_token"].(string)
		apart := w.exchanged(t, exchangeOf(other.Token))["access_token"]
		first := w.app
		w.app = second
		two := w.exchanged(t, exchangeOf(one))["access_token"]
		w.app = first
		if !w.valid(one) || !w.valid(two) {
			t.Fatal("a token is not valid to begin with")
		}
		w.revoked(t, w.app, "token", source.Token)
		if w.valid(source.Token) || w.valid(one) || w.valid(two) {
			t.Error("a token is valid still")
		}
		if !w.valid(other.Token) || !w.valid(apart) {
			t.Error("another token ended")
		}
		if events := w.events(t, store.UserTokenRemoved); len(events) != 1 {
			t.Errorf("the events are %v", events)
		}
	})
}

// More tokens than a statement can name end together.
func TestEndManyTokens(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			rows := make([]*ent.AccessTokenCreate, 2200)
			for i := range rows {
				rows[i] = tx.AccessToken.Create().SetTokenID(fmt.Sprint("t", i)).SetCredential("1").SetHash([]byte{byte(i), byte(i >> 8)}).
					SetUserPk(w.user.ID).SetScopes([]string{}).SetAudience([]string{}).SetExpiresAt(tx.Now().Add(time.Hour))
				if i%2 == 1 {
					rows[i].SetApplicationPk(w.app.ID).SetCredential(fmt.Sprint("t", i-1))
				}
			}
			return tx.AccessToken.CreateBulk(rows...).Exec(ctx)
		})
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			return token.EndTokens(ctx, tx, accesstoken.UserPk(w.user.ID), accesstoken.Credential("1"))
		})
		if left, err := d.Store.Read().AccessToken.Query().Count(w.ctx); err != nil || left != 0 {
			t.Errorf("%d tokens are left, the error %v", left, err)
		}
	})
}

// Of two who take a token back at once, one does.
func TestRevokeAtOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		issued := w.tokenFor(t, w.user, w.app, gotBy(w.app)).Token
		pat := d.PersonalAccessToken(t, w.ctx, w.user, 0).Token
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { w.revoked(t, w.app, "token", issued) })
			all.Go(func() { w.revoked(t, testApp{}, "token", pat, "client_id", w.user.UserID) })
		}
		all.Wait()
		if events := w.events(t, store.UserTokenRemoved, store.UserPATRemoved); len(events) != 2 {
			t.Errorf("the events are %v", events)
		}
	})
}

// A token that is a JWT is found by its whole text.
func TestRevokeJWT(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		text := w.assertion(t) // any JWT: what counts is that its row is there
		d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
			return tx.AccessToken.Create().SetTokenID("t1").SetHash(id.Hash(text)).SetScopes([]string{}).SetAudience([]string{}).
				SetUserPk(w.user.ID).SetApplicationPk(w.app.ID).SetExpiresAt(tx.Now().Add(time.Hour)).Exec(ctx)
		})
		w.revoked(t, w.app, "token", text+"x")
		if n, err := d.Store.Read().AccessToken.Query().Count(w.ctx); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		w.revoked(t, w.app, "token", text)
		if n, err := d.Store.Read().AccessToken.Query().Count(w.ctx); err != nil || n != 0 || len(w.events(t, store.UserTokenRemoved)) != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// A token that sleeps, because its user is deactivated, does not wake up again
// once it was taken back.
func TestRevokeOfDeactivated(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		issued := w.tokenFor(t, w.user, w.app, gotBy(w.app)).Token
		d.SetUserState(t, w.ctx, w.user, user.StateInactive)
		w.revoked(t, w.app, "token", issued)
		d.SetUserState(t, w.ctx, w.user, user.StateActive)
		if w.valid(issued) {
			t.Error("the token is valid again")
		}
	})
}
