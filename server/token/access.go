package token

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
)

// Lifetime is how long access tokens and ID tokens are valid at most.
const Lifetime = 43199 * time.Second

// Grant is what an access token is to be good for.
type Grant struct {
	// Client is who gets the token.
	Client Client
	// UserKey and UserID are whom it stands for; 0 and empty for an application
	// itself.
	UserKey int64
	UserID  string
	Scopes  []string
	// Audience has the client ids and the projects that may look at it.
	Audience []string
	// Actor is who acts for the user: the claim `act` (RFC 8693, 4.1); nil for
	// nobody.
	Actor json.RawMessage
	// Credential is what it is got with, so that it ends with it: that of the
	// client where the token stands for the client itself, else the id of a token.
	Credential string
	// Source is the id of another token that it ends with; empty for none.
	Source string
	// Until ends the token earlier than Lifetime; nil for no such end.
	Until *time.Time
	// JWT makes the token one (RFC 9068), with more claims if there are any.
	JWT    bool
	Issuer string
	Claims map[string]any
}

// Subject returns whom the token stands for: the claim `sub`.
func (g Grant) Subject() string {
	if g.UserID != "" {
		return g.UserID
	}
	return g.Client.ID
}

// AccessToken is a token that was issued.
type AccessToken struct {
	Token     string
	ID        string
	ExpiresAt time.Time
}

// Issue returns a new access token. Its row is its own record: no event tells
// of it, and no other row is touched.
//
// It returns fault.GrantInvalid if the instance, the user, the application, what
// these belong to or the credential is not there and active any more, and
// fault.TokenTooLarge for a JWT that nobody could send. Other errors are those
// of the database, and one if the signing key cannot be unsealed.
func (t *Tokens) Issue(ctx context.Context, g Grant) (AccessToken, error) {
	tokenID, err := t.store.NewID()
	if err != nil {
		return AccessToken{}, err
	}
	now := t.store.Now()
	token := AccessToken{ID: tokenID, ExpiresAt: now.Add(Lifetime)}
	if g.Until != nil && g.Until.Before(token.ExpiresAt) {
		token.ExpiresAt = *g.Until
	}
	if !token.ExpiresAt.After(now) {
		return AccessToken{}, fault.GrantInvalid.With()
	}
	token.Token = id.NewToken(id.AccessToken)
	if g.JWT {
		if token.Token, err = t.signAccess(ctx, g, token, now); err != nil {
			return AccessToken{}, err
		}
	}
	added, err := t.issuance.add(ctx, g, token, now)
	if err == nil && !added {
		err = fault.GrantInvalid.With()
	}
	if err != nil {
		return AccessToken{}, err
	}
	t.expect(token.ExpiresAt)
	return token, nil
}

// IDToken returns a signed statement of the issuer, for the audience, that the
// subject authenticated just now (OpenID Connect Core 1.0, 2), with more claims
// if there are any. It returns the errors of the database, and one if the
// signing key cannot be unsealed.
func (t *Tokens) IDToken(ctx context.Context, subject, issuer, audience string, claims map[string]any) (string, error) {
	signer, err := t.signer(ctx, idTokenType)
	if err != nil {
		return "", err
	}
	now := t.store.Now()
	return jwt.Signed(signer).Claims(claims).Claims(struct {
		jwt.Claims
		AuthTime *jwt.NumericDate `json:"auth_time"`
	}{
		Claims: jwt.Claims{
			Issuer:   issuer,
			Subject:  subject,
			Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(now),
			Expiry:   jwt.NewNumericDate(now.Add(Lifetime)),
		},
		AuthTime: jwt.NewNumericDate(now),
	}).Serialize()
}
