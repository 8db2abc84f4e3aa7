package oauth_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// An application authenticates with what it signed by one of its keys (RFC 7523,
// 2.2 and 3).
func TestClientAssertion(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiByKey)
		keyID, private := e.applicationKey(t, a, 0)
		good, now := e.selfSigned(a), e.Clock.Now()
		by := func(claims tokentest.Claims) request {
			return signed(tokentest.Sign(t, jose.RS256, private, keyID, claims))
		}
		for name, r := range map[string]request{
			"audience is the issuer":         by(good),
			"audience is a list":             by(good.With("aud", []string{"x", origin})),
			"audience is the token endpoint": by(good.With("aud", origin+token.EndpointPath)),
			"with the client id":             by(good).with("client_id", a.row.ClientID),
			"no time of issue":               by(good.With("iat", nil)),
			"a minute long":                  by(good.With("exp", now.Add(time.Minute).Unix())),
			"valid since now":                by(good.With("nbf", now.Unix())),
			"with other claims":              by(good.With("x", "y")),
		} {
			t.Run(name, func(t *testing.T) {
				if b, _ := e.gets(t, r); b.ApplicationKey != a.row.ID {
					t.Errorf("the token is of %s", b.ClientID)
				}
			})
		}
		// Without a `jti` it may be sent again, with one it is good once.
		repeated := by(good)
		e.gets(t, repeated)
		e.gets(t, repeated)
		once := by(good.With("jti", "1"))
		e.gets(t, once)
		e.refusesClient(t, once)
		e.refusesClient(t, by(good.With("jti", "1").With("exp", now.Add(time.Minute).Unix())))
		e.gets(t, by(good.With("jti", "2")))
	})
}

func TestClientAssertionRefused(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a, other := e.application(t, apiByKey), e.application(t, apiByKey)
		keyID, private := e.applicationKey(t, a, 0)
		otherID, otherPrivate := e.applicationKey(t, other, 0)
		good, now := e.selfSigned(a), e.Clock.Now()
		by := func(claims tokentest.Claims) request {
			return signed(tokentest.Sign(t, jose.RS256, private, keyID, claims))
		}
		at := func(after time.Duration) int64 { return now.Add(after).Unix() }
		public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]request{
			"rubbish":                           signed("x"),
			"no issuer":                         by(good.With("iss", nil)),
			"no subject":                        by(good.With("sub", nil)),
			"issuer is another client":          by(good.With("iss", other.row.ClientID)),
			"subject is another client":         by(good.With("sub", other.row.ClientID)),
			"issuer and subject are another":    by(e.selfSigned(other)),
			"issuer and subject are a user":     by(tokentest.SelfSigned(e.user.UserID, origin, now)),
			"parameter names another client":    by(good).with("client_id", other.row.ClientID),
			"no audience":                       by(good.With("aud", nil)),
			"empty audience":                    by(good.With("aud", []string{})),
			"audience is another issuer":        by(good.With("aud", "http://other.localhost:8080")),
			"audience is another port":          by(good.With("aud", "http://acme.localhost:8081")),
			"audience is another endpoint":      by(good.With("aud", origin+"/oauth/v2/introspect")),
			"no expiry":                         by(good.With("exp", nil)),
			"expired":                           by(good.With("exp", at(0))),
			"valid for too long":                by(good.With("exp", at(time.Hour+time.Second))),
			"for too long, no time of issue":    by(good.With("iat", nil).With("exp", at(time.Hour+time.Second))),
			"issued in the future":              by(good.With("iat", at(2*time.Minute))),
			"issued too long ago":               by(good.With("iat", at(-time.Hour-time.Second)).With("exp", at(time.Minute))),
			"not valid yet":                     by(good.With("nbf", at(2*time.Minute))),
			"no key id":                         signed(tokentest.Sign(t, jose.RS256, private, "", good)),
			"unknown key":                       signed(tokentest.Sign(t, jose.RS256, private, "1", good)),
			"key with U+0000":                   signed(tokentest.Sign(t, jose.RS256, private, keyID+"\x00", good)),
			"id of another client's key":        signed(tokentest.Sign(t, jose.RS256, private, otherID, good)),
			"another client's key":              signed(tokentest.Sign(t, jose.RS256, otherPrivate, otherID, good)),
			"signed by another client's key":    signed(tokentest.Sign(t, jose.RS256, otherPrivate, keyID, good)),
			"machine's key":                     signed(tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, origin, now))),
			"machine's key for the application": signed(tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, good)),
			"algorithm none":                    signed(unsigned(good)),
			"HMAC by the public key":            signed(tokentest.Sign(t, jose.HS256, public, keyID, good)),
			"another RSA algorithm":             signed(tokentest.Sign(t, jose.PS256, private, keyID, good)),
			"signature cut":                     signed(cut(tokentest.Sign(t, jose.RS256, private, keyID, good))),
		} {
			t.Run(name, func(t *testing.T) { e.refusesClient(t, r) })
		}
		// What proves an application grants nothing to a machine user.
		if status, _, got := e.ask(t, byBody("scope", scopes, "assertion", by(good).form.Get("client_assertion")).as(bearer)); status != 400 || got["error"] != "invalid_grant" {
			t.Errorf("as a grant the answer is %d %v", status, got)
		}
	})
}

// At the other endpoints an assertion may be for the issuer, for the token
// endpoint or for that endpoint (RFC 7523, 3).
func TestClientAssertionAtOtherEndpoints(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	e := newEndpoint(t, d)
	a := e.application(t, oidcApp(t, application.OIDCPrivateKeyJWT))
	keyID, private := e.applicationKey(t, a, 0)
	for audience, good := range map[string]bool{
		origin: true, origin + oauth.TokenPath: true, origin + oauth.IntrospectionPath: true,
		origin + oauth.RevocationPath: false, "http://other.localhost:8080" + oauth.IntrospectionPath: false, oauth.IntrospectionPath: false,
	} {
		ask := signed(tokentest.Sign(t, jose.RS256, private, keyID, e.selfSigned(a).With("aud", audience)))
		c, err := oauth.ClientOf(
			oauth.Options{Store: d.Store, Tokens: d.Tokens, Log: slog.New(slog.DiscardHandler)},
			httptest.NewRequestWithContext(e.ctx, http.MethodPost, oauth.IntrospectionPath, nil), ask.form)
		if good != (err == nil && c.ID == a.row.ClientID && c.Credential == keyID) {
			t.Errorf("for %s: %+v, %v", audience, c, err)
		}
	}
}

// The settings of an OpenID Connect client say of which kind its tokens are.
func TestClientWithJWTs(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	e := newEndpoint(t, d)
	for kind, want := range map[int32]bool{0: false, 1: true} {
		config, err := application.OIDC{AccessTokenType: kind}.Config()
		if err != nil {
			t.Fatal(err)
		}
		a := e.application(t, config)
		r := byBasic(a.row.ClientID, a.secret)
		called := httptest.NewRequestWithContext(e.ctx, http.MethodPost, oauth.TokenPath, nil)
		called.Header = r.header
		c, err := oauth.ClientOf(oauth.Options{Store: d.Store, Tokens: d.Tokens}, called, r.form)
		if err != nil || c.JWT != want {
			t.Errorf("%d: %+v, %v", kind, c, err)
		}
	}
}

// A key that has expired, was removed or is not what the application is
// configured for proves nothing; a token does not outlive the key.
func TestClientKeyEnds(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiByKey)
		keyID, private := e.applicationKey(t, a, time.Hour)
		by := func() request { return signed(tokentest.Sign(t, jose.RS256, private, keyID, e.selfSigned(a))) }
		b, _ := e.gets(t, by())
		if !b.ExpiresAt.Equal(e.Clock.Now().Add(time.Hour)) {
			t.Errorf("the token ends at %v", b.ExpiresAt)
		}
		e.change(t, a, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
			return application.Configure(ctx, tx, in, row, apiBySecret)
		})
		e.refusesClient(t, by())
		e.change(t, a, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
			return application.Configure(ctx, tx, in, row, apiByKey)
		})
		e.gets(t, by())
		e.Clock.Advance(time.Hour)
		e.refusesClient(t, by())
		other := e.application(t, apiByKey)
		keyID, private = e.applicationKey(t, other, 0)
		removed := signed(tokentest.Sign(t, jose.RS256, private, keyID, e.selfSigned(other)))
		e.gets(t, removed)
		e.change(t, other, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
			change, _, err := token.RemoveApplicationKey(ctx, tx, in, row, keyID)
			return change, err
		})
		e.refusesClient(t, removed)
	})
}
