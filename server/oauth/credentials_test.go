package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// A machine user gets a token for itself, good for the APIs with their scope, and
// an ID token with openid (RFC 6749, 4.4 and 5.1).
func TestClientCredentialsOfMachine(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		ask := byBasic(e.user.UserID, e.machineSecret(t, e.user))
		status, _, got := e.ask(t, ask.with("scope", scopes))
		if status != http.StatusOK || got["token_type"] != "Bearer" || got["expires_in"] != 43199.0 || got["id_token"] == nil || len(got) != 4 {
			t.Fatalf("the answer is %d %v", status, got)
		}
		if c, err := d.Tokens.Authenticate(e.ctx, got["access_token"].(string), nil); err != nil || c.ID != e.user.UserID {
			t.Errorf("the caller is %v, %v", c, err)
		}
		status, _, got = e.ask(t, ask.with("scope", token.ScopeAPI+" unknown"))
		if status != http.StatusOK || got["scope"] != token.ScopeAPI || got["id_token"] != nil {
			t.Errorf("with a scope that means nothing the answer is %d %v", status, got)
		}
		// The scope is optional here (RFC 6749, 4.4.2).
		status, _, got = e.ask(t, ask)
		if status != http.StatusOK || len(got) != 3 {
			t.Fatalf("without a scope the answer is %d %v", status, got)
		}
		if _, err := d.Tokens.Authenticate(e.ctx, got["access_token"].(string), nil); !errors.Is(err, fault.TokenInvalid.With()) {
			t.Errorf("without a scope the APIs answer %v", err)
		}
		if status, _, got := e.ask(t, ask.with("scope", "\x7f")); status != http.StatusBadRequest || got["error"] != "invalid_scope" {
			t.Errorf("with a bad scope the answer is %d %v", status, got)
		}
	})
}

// An API gets a token that stands for no user: it has no ID token and no way to
// the APIs. The row says what the token was got with, so that it ends with it.
func TestClientCredentialsOfAPI(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a, keyed := e.application(t, apiBySecret), e.application(t, apiByKey)
		keyID, private := e.applicationKey(t, keyed, 0)
		for credential, c := range map[string]struct {
			of  app
			ask request
		}{
			"secret": {a, byBasic(a.row.ClientID, a.secret)},
			keyID:    {keyed, signed(tokentest.Sign(t, "RS256", private, keyID, e.selfSigned(keyed)))},
		} {
			status, _, got := e.ask(t, c.ask.with("scope", scopes))
			if status != http.StatusOK || got["token_type"] != "Bearer" || got["expires_in"] != 43199.0 || len(got) != 3 {
				t.Fatalf("the answer is %d %v", status, got)
			}
			access := got["access_token"].(string)
			b, err := d.Tokens.Bearer(e.ctx, access)
			if err != nil || b.UserKey != 0 || b.ApplicationKey != c.of.row.ID || b.Subject() != c.of.row.ClientID || b.ClientID != c.of.row.ClientID {
				t.Errorf("the bearer is %+v, %v", b, err)
			}
			if _, err := d.Tokens.Authenticate(e.ctx, access, nil); !errors.Is(err, fault.TokenInvalid.With()) {
				t.Errorf("the APIs answer %v", err)
			}
			row := e.Store.Read().AccessToken.Query().Where(accesstoken.TokenID(b.TokenID)).OnlyX(e.ctx)
			if row.Credential != credential || row.UserPk != nil {
				t.Errorf("the row is %v", row)
			}
		}
	})
}

// No grant type of an OpenID Connect client is this one, and a public client has
// nothing to authenticate with (RFC 6749, 4.4).
func TestClientCredentialsOfOIDC(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		basic, post, keyed := e.application(t, oidcApp(t, application.OIDCBasic)), e.application(t, oidcApp(t, application.OIDCPost)), e.application(t, oidcApp(t, application.OIDCPrivateKeyJWT))
		keyID, private := e.applicationKey(t, keyed, 0)
		for name, r := range map[string]request{
			"basic":           byBasic(basic.row.ClientID, basic.secret),
			"post":            byBody("client_id", post.row.ClientID, "client_secret", post.secret),
			"post by header":  byBasic(post.row.ClientID, post.secret),
			"private key JWT": signed(tokentest.Sign(t, "RS256", private, keyID, e.selfSigned(keyed))),
		} {
			if status, _, got := e.ask(t, r); status != http.StatusBadRequest || got["error"] != "unauthorized_client" {
				t.Errorf("%s: the answer is %d %v", name, status, got)
			}
		}
		public := e.application(t, oidcApp(t, application.OIDCNone))
		e.refusesClient(t, byBody("client_id", public.row.ClientID))
		if rows := e.Store.Read().AccessToken.Query().CountX(e.ctx); rows != 0 {
			t.Errorf("there are %d tokens", rows)
		}
	})
}

// Removing an application, or its project, does not fail for a token that is
// issued meanwhile, and leaves none.
func TestRemovedWhileTokensAreIssued(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		for round := range 6 {
			a := e.application(t, apiBySecret)
			ready, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for i := range 20 {
					_, _ = d.Tokens.Issue(e.ctx, token.Grant{Client: token.Client{ID: a.row.ClientID, ApplicationKey: a.row.ID}})
					if i == 2 {
						close(ready)
					}
				}
			}()
			<-ready
			if round%2 == 0 {
				e.change(t, a, application.Remove)
			} else {
				e.Write(t, e.ctx, func(ctx context.Context, tx *store.Tx) error { return removeProject(ctx, tx, a) })
			}
			<-done
		}
		if rows := e.Store.Read().AccessToken.Query().CountX(e.ctx); rows != 0 {
			t.Errorf("there are %d tokens", rows)
		}
	})
}

// The ID token is for the client id as the client knows it: libraries compare
// the two. A name that is the client id of an application is not, for whoever
// chose it, nor is that of a project or of the APIs. Access tokens have the user id in any case.
func TestAudienceOfAPresentedName(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		a := e.application(t, apiBySecret)
		robot, forger := e.named(t, "robot", "", ""), e.named(t, a.row.ClientID, "", "")
		another, third := e.named(t, a.project.ProjectID, "", ""), e.named(t, "zitadel", "", "")
		secret := e.machineSecret(t, robot)
		for name, c := range map[string]struct {
			request        request
			user, audience string
		}{
			"user id":                     {byBasic(robot.UserID, secret), robot.UserID, robot.UserID},
			"login name":                  {byBasic("robot", secret), robot.UserID, "robot"},
			"login name by body":          {byBody("client_id", "robot", "client_secret", secret), robot.UserID, "robot"},
			"login name in other letters": {byBasic("ROBOT", secret), robot.UserID, "ROBOT"},
			"client id of an application": {byBasic(a.row.ClientID, e.machineSecret(t, forger)), forger.UserID, forger.UserID},
			"id of a project":             {byBasic(a.project.ProjectID, e.machineSecret(t, another)), another.UserID, another.UserID},
			"the APIs":                    {byBasic("zitadel", e.machineSecret(t, third)), third.UserID, third.UserID},
		} {
			t.Run(name, func(t *testing.T) {
				status, _, got := e.ask(t, c.request.with("scope", scopes))
				if status != http.StatusOK {
					t.Fatalf("the answer is %d %v", status, got)
				}
				parsed, err := jwt.ParseSigned(got["id_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
				if err != nil {
					t.Fatal(err)
				}
				var claims jwt.Claims
				if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
					t.Fatal(err)
				}
				if claims.Subject != c.user || !slices.Equal(claims.Audience, []string{c.audience}) {
					t.Errorf("the claims are %+v", claims)
				}
				b, err := d.Tokens.Bearer(e.ctx, got["access_token"].(string))
				if err != nil || !slices.Equal(b.Audience, []string{c.user, "zitadel"}) || b.ClientID != c.user {
					t.Errorf("the access token is %+v, %v", b, err)
				}
			})
		}
	})
}
