package oauth

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
)

// jwtProfile gives a token to the machine user who signed the assertion
// (RFC 7523, 2.1). The assertion is proof enough; a client that sends credentials
// as well is refused if they are bad (RFC 7523, 3.1).
func (e *endpoints) jwtProfile(ctx context.Context, r tokenRequest) (tokenAnswer, error) {
	if sendsCredentials(r) {
		if _, err := e.client(ctx, r); err != nil {
			return tokenAnswer{}, err
		}
	}
	assertion, err := parameter(r.form, "assertion")
	if err != nil {
		return tokenAnswer{}, err
	}
	// Published clients ask in the assertion. It counts once the signature was
	// verified, like all of its claims.
	scope := r.form.Get("scope")
	if scope == "" {
		scope = token.ScopeOf(assertion)
	}
	if scope == "" {
		return tokenAnswer{}, &refusal{code: invalidRequest, description: "the parameter scope is missing, and the assertion has no claim scope"}
	}
	c, err := e.tokens.MachineByAssertion(ctx, assertion, caller.InstanceOf(ctx).Origin)
	if bad := fault.AssertionInvalid.With(); errors.Is(err, bad) {
		e.log.InfoContext(ctx, "an assertion was refused", "reason", errors.Unwrap(err))
		return tokenAnswer{}, &refusal{code: invalidGrant, description: bad.Message()}
	}
	if err != nil {
		return tokenAnswer{}, err
	}
	return e.toItself(ctx, c, scope)
}

// toItself gives a client a token that stands for itself, and ends with its
// credential.
func (e *endpoints) toItself(ctx context.Context, c token.Client, scope string) (tokenAnswer, error) {
	g := token.Grant{Client: c, Credential: c.Credential, Until: c.Until, JWT: c.JWT}
	if c.UserKey != 0 {
		g.UserKey, g.UserID = c.UserKey, c.ID
	}
	if err := e.grantScopes(ctx, &g, scope, c.OrganizationID); err != nil {
		return tokenAnswer{}, err
	}
	return e.give(ctx, g, scope)
}

// sendsCredentials reports whether a client tries to authenticate.
func sendsCredentials(r tokenRequest) bool {
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		if r.form.Get(name) != "" {
			return true
		}
	}
	return len(r.http.Header.Values("Authorization")) > 0
}
