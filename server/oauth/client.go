package oauth

import (
	"context"
	"net/http"

	"github.com/bastide-id/bastide/server/token"
)

// SCAFFOLD
// client returns who authenticated: a machine user with its secret, or an
// application with its secret or a key (RFC 6749, 2.3, and RFC 7523, 2.2). It
// returns a refusal with the code invalid_client and the status 401.
func (e *endpoints) client(context.Context, tokenRequest) (token.Client, error) {
	return token.Client{}, &refusal{status: http.StatusUnauthorized, code: invalidClient, description: "scaffold"}
}
