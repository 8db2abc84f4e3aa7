package token

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
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
	// Credential is what it is got with, so that it ends with it.
	Credential string
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
// of it. It returns the errors of the database.
func (t *Tokens) Issue(ctx context.Context, g Grant) (AccessToken, error) {
	tokenID, err := t.store.NewID()
	if err != nil {
		return AccessToken{}, err
	}
	token := AccessToken{Token: id.NewToken(id.AccessToken), ID: tokenID, ExpiresAt: t.store.Now().Add(Lifetime)}
	if g.Until != nil && g.Until.Before(token.ExpiresAt) {
		token.ExpiresAt = *g.Until
	}
	return token, t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		create := tx.AccessToken.Create().
			SetTokenID(token.ID).
			SetCredential(g.Credential).
			SetHash(id.Hash(token.Token)).
			SetScopes(notNil(g.Scopes)).
			SetAudience(notNil(g.Audience)).
			SetExpiresAt(token.ExpiresAt)
		if g.UserKey != 0 {
			create.SetUserPk(g.UserKey)
		}
		if g.Client.ApplicationKey != 0 {
			create.SetApplicationPk(g.Client.ApplicationKey)
		}
		if g.Actor != nil {
			create.SetActor(g.Actor)
		}
		return create.Exec(ctx)
	})
}

// notNil returns a list that is written as [] where there is none.
func notNil(list []string) []string { return append([]string{}, list...) }

// IDToken returns a signed statement of the issuer, for the audience, that the
// subject authenticated just now (OpenID Connect Core 1.0, 2), with more claims
// if there are any. It returns the errors of the database, and one if the
// signing key cannot be unsealed.
func (t *Tokens) IDToken(ctx context.Context, subject, issuer, audience string, claims map[string]any) (string, error) {
	signer, err := t.signer(ctx)
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
