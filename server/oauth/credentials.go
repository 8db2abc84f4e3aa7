package oauth

import (
	"context"

	"github.com/bastide-id/bastide/ent/application"
)

// clientCredentials gives a token to a client that authenticated, for itself
// (RFC 6749, 4.4): a machine user, or an API. There is no refresh token
// (RFC 6749, 4.4.3), and the scope may be left out, which asks for none.
//
// An OpenID Connect client gets its tokens for users: by the contract no grant
// type of it is this one.
func (e *endpoints) clientCredentials(ctx context.Context, r tokenRequest) (tokenAnswer, error) {
	c, err := e.client(ctx, r)
	if err != nil {
		return tokenAnswer{}, err
	}
	if c.UserKey == 0 && c.Kind != application.KindAPI {
		return tokenAnswer{}, &refusal{code: unauthorizedClient, description: "the grant_type is for machine users and APIs: an OpenID Connect client gets no token for itself"}
	}
	return e.toItself(ctx, c, r.form.Get("scope"))
}
