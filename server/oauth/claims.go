package oauth

import (
	"context"

	"github.com/bastide-id/bastide/server/token"
)

// idTokenClaims returns what an ID token tells beside the claims of every one.
func (e *endpoints) idTokenClaims(context.Context, token.Grant) (map[string]any, error) {
	return nil, nil
}

// accessTokenClaims returns what an access token that is a JWT tells beside the
// claims of every one (RFC 9068, 2.2).
func (e *endpoints) accessTokenClaims(context.Context, token.Grant) (map[string]any, error) {
	return nil, nil
}
