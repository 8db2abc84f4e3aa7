package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// present sends an assertion with the key, for the scope of the API.
func (e *endpoint) present(t *testing.T, key tokentest.Key, claims tokentest.Claims) (int, map[string]any) {
	t.Helper()
	status, _, got := e.do(t, "POST", oauth.TokenPath, form, url.Values{
		"grant_type": {bearer}, "scope": {token.ScopeAPI}, "assertion": {tokentest.Sign(t, jose.RS256, key.Private, key.ID, claims)},
	}.Encode())
	return status, got
}

// An assertion with a `jti` gets one token, one without gets as many as it is
// sent (RFC 7523, 3).
func TestTokenJTI(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		claims := tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now())
		for n, want := range []int{http.StatusOK, http.StatusBadRequest, http.StatusBadRequest} {
			status, got := e.present(t, e.key, claims.With("jti", "once"))
			if status != want || want != http.StatusOK && got["error"] != "invalid_grant" {
				t.Errorf("time %d: %d %v", n, status, got)
			}
		}
		for range 2 {
			if status, got := e.present(t, e.key, claims); status != http.StatusOK {
				t.Errorf("%d %v", status, got)
			}
		}
	})
}

// Who is set to get JWTs gets them, and the API takes them (RFC 9068).
func TestTokenJWT(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		d.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.User.UpdateOneID(e.user.ID).SetAccessTokenType(1).Exec(ctx); err != nil {
				return err
			}
			_, err := tx.Record(ctx, store.UserMachineChanged, store.UserObject(e.user), store.Payload{})
			return err
		})
		status, got := e.present(t, e.key, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now()))
		text, _ := got["access_token"].(string)
		if status != http.StatusOK || strings.Count(text, ".") != 2 || got["expires_in"] != 43199.0 {
			t.Fatalf("the answer is %d %v", status, got)
		}
		c, err := d.Tokens.Authenticate(e.ctx, text, nil)
		if err != nil || c.ID != e.user.UserID {
			t.Errorf("the caller is %+v, %v", c, err)
		}
	})
}

// A token does not outlive the key that it was got with.
func TestTokenOfAKeyThatEnds(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		key := d.MachineKey(t, e.ctx, e.user, 20*time.Minute)
		status, got := e.present(t, key, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now()))
		if status != http.StatusOK || got["expires_in"] != 1200.0 {
			t.Fatalf("the answer is %d %v", status, got)
		}
		e.Clock.Advance(20 * time.Minute)
		if _, err := d.Tokens.Bearer(e.ctx, got["access_token"].(string)); err == nil {
			t.Error("the token outlives the key")
		}
		if status, got := e.present(t, key, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now())); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
			t.Errorf("the answer is %d %v", status, got)
		}
	})
}

// Issuing a token adds one row and leaves all others as they are.
func TestTokenWritesOneRow(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		read := d.Store.Read()
		count := func() [4]int {
			return [4]int{read.Event.Query().CountX(e.ctx), read.UsedAssertion.Query().CountX(e.ctx), read.User.Query().CountX(e.ctx), read.AccessToken.Query().CountX(e.ctx)}
		}
		var users [2]*ent.User
		before := count()
		users[0] = read.User.GetX(e.ctx, e.user.ID)
		e.Clock.Advance(time.Second)
		if status, got := e.present(t, e.key, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now())); status != http.StatusOK {
			t.Fatalf("the answer is %d %v", status, got)
		}
		users[1] = read.User.GetX(e.ctx, e.user.ID)
		before[3]++
		if after := count(); after != before || users[0].Sequence != users[1].Sequence || !users[0].ChangedAt.Equal(users[1].ChangedAt) {
			t.Errorf("the rows are %v, not %v; the user is %v", after, before, users[1])
		}
	})
}

// Published clients ask in the assertion for what the form does not name; the
// parameter wins.
func TestTokenScopeOfTheAssertion(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		claims := tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now())
		sign := func(c tokentest.Claims) string { return tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, c) }
		another := d.MachineKey(t, e.ctx, d.Machine(t, e.ctx, d.Store.Read().Organization.Query().OnlyX(e.ctx)), 0)
		for name, c := range map[string]struct {
			assertion string
			parameter []string
			granted   string // or the code of the refusal
			status    int
		}{
			"the claim":                    {sign(claims.With("scope", scopes)), nil, scopes, http.StatusOK},
			"the claim, empty parameter":   {sign(claims.With("scope", scopes)), []string{""}, scopes, http.StatusOK},
			"the parameter wins":           {sign(claims.With("scope", scopes)), []string{token.ScopeOpenID}, token.ScopeOpenID, http.StatusOK},
			"neither":                      {sign(claims), nil, "invalid_request", http.StatusBadRequest},
			"both empty":                   {sign(claims.With("scope", "")), []string{""}, "invalid_request", http.StatusBadRequest},
			"a claim that is no text":      {sign(claims.With("scope", []string{"openid"})), nil, "invalid_request", http.StatusBadRequest},
			"a claim that is no scope":     {sign(claims.With("scope", "open\"id")), nil, "invalid_scope", http.StatusBadRequest},
			"a claim signed by another":    {tokentest.Sign(t, jose.RS256, another.Private, e.key.ID, claims.With("scope", scopes)), nil, "invalid_grant", http.StatusBadRequest},
			"no JWT and no scope":          {"x", nil, "invalid_request", http.StatusBadRequest},
			"a claim without a signature":  {unsigned(claims.With("scope", scopes)), nil, "invalid_request", http.StatusBadRequest},
			"a claim of another audience":  {sign(tokentest.SelfSigned(e.user.UserID, "http://else.localhost", e.Clock.Now()).With("scope", scopes)), nil, "invalid_grant", http.StatusBadRequest},
			"a parameter that is no scope": {sign(claims.With("scope", scopes)), []string{"\x7f"}, "invalid_scope", http.StatusBadRequest},
		} {
			t.Run(name, func(t *testing.T) {
				body := url.Values{"grant_type": {bearer}, "assertion": {c.assertion}}
				if c.parameter != nil {
					body["scope"] = c.parameter
				}
				status, _, got := e.do(t, "POST", oauth.TokenPath, form, body.Encode())
				if status != c.status {
					t.Fatalf("the answer is %d %v", status, got)
				}
				if status != http.StatusOK {
					if got["error"] != c.granted {
						t.Errorf("the answer is %v", got)
					}
					return
				}
				b, err := d.Tokens.Bearer(e.ctx, got["access_token"].(string))
				if err != nil || strings.Join(b.Scopes, " ") != c.granted {
					t.Errorf("the token is %+v, %v", b, err)
				}
			})
		}
	})
}

// What is refused for want of a scope does not use up the assertion.
func TestTokenWithoutScopeKeepsTheAssertion(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	once := tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now()).With("jti", "once"))
	body := url.Values{"grant_type": {bearer}, "assertion": {once}}
	if status, _, got := e.do(t, "POST", oauth.TokenPath, form, body.Encode()); status != http.StatusBadRequest || got["error"] != "invalid_request" {
		t.Errorf("the answer is %d %v", status, got)
	}
	body.Set("scope", scopes)
	if status, _, got := e.do(t, "POST", oauth.TokenPath, form, body.Encode()); status != http.StatusOK {
		t.Errorf("afterwards the answer is %d %v", status, got)
	}
}
