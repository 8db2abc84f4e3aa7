package oauth_test

import (
	"net/http"
	"testing"

	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// The assertion needs no client that authenticates. One that tries to does not
// get through with bad credentials (RFC 7523, 3.1).
func TestTokenWithCredentials(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		secret, a := e.machineSecret(t, e.user), e.application(t, apiBySecret)
		for name, c := range map[string]struct {
			clientID, secret string
			status           int
		}{
			"none":           {"", "", http.StatusOK},
			"only an id":     {e.user.UserID, "", http.StatusOK},
			"its own":        {e.user.UserID, secret, http.StatusOK},
			"an application": {a.row.ClientID, a.secret, http.StatusOK},
			"another's":      {a.row.ClientID, secret, http.StatusUnauthorized},
			"no secret":      {e.user.UserID, "x", http.StatusUnauthorized},
		} {
			t.Run(name, func(t *testing.T) {
				r := e.good(t)
				r.Set("client_id", c.clientID)
				r.Set("client_secret", c.secret)
				status, _, got := e.do(t, http.MethodPost, oauth.TokenPath, form, r.Encode())
				if status != c.status || status != http.StatusOK && got["error"] != "invalid_client" {
					t.Errorf("%d %v", status, got)
				}
			})
		}
		assertion := e.good(t)
		assertion.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		assertion.Set("client_assertion", e.assertion(t)) // of a machine user, which is no application
		if status, _, got := e.do(t, http.MethodPost, oauth.TokenPath, form, assertion.Encode()); status != http.StatusUnauthorized {
			t.Errorf("a bad assertion of a client: %d %v", status, got)
		}
	})
}
