package oauth_test

import (
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Access tokens that are JWTs are exchanged as either type, and tell who acts.
func TestExchangeJWT(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		actor, _ := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
		signed := func(g *token.Grant) { g.JWT, g.Issuer = true, origin }
		source, proof := w.tokenFor(t, w.user, w.app, signed).Token, w.tokenFor(t, actor, w.app, signed).Token
		for _, kind := range []string{accessType, jwtType} {
			w.exchanged(t, exchangeOf(source, "subject_token_type", kind))
			got := w.exchanged(t, exchangeOf(source, "subject_token_type", kind, "actor_token", proof, "actor_token_type", kind, "requested_token_type", jwtType))
			parsed, err := jwt.ParseSigned(got["access_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Subject string `json:"sub"`
				Actor   any    `json:"act"`
			}
			if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprint(map[string]any{"iss": origin, "sub": actor.UserID})
			if got["issued_token_type"] != jwtType || claims.Subject != w.user.UserID || fmt.Sprint(claims.Actor) != want || !w.valid(got["access_token"]) {
				t.Errorf("the answer is %v, the claims are %+v", got, claims)
			}
			w.revoked(t, w.app, "token", got["access_token"].(string), "token_type_hint", "access_token")
			if w.valid(got["access_token"]) {
				t.Error("the token is valid after it was taken back")
			}
		}
		w.refused(t, w.app, exchangeOf(source+"x", "subject_token_type", jwtType), "invalid_request")
		w.refused(t, w.app, exchangeOf(w.assertion(t), "subject_token_type", jwtType), "invalid_request")
	})
}
