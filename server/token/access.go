package token

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// Lifetime is how long access tokens and ID tokens are valid.
const Lifetime = 43199 * time.Second

// IssueAccessToken returns a new access token of the user, which is good for
// the scopes from now on for Lifetime. Its row is its own record: no event
// tells of it. It returns the errors of the database.
func (t *Tokens) IssueAccessToken(ctx context.Context, u *ent.User, scopes []string) (string, error) {
	token := id.NewToken(id.AccessToken)
	hash := id.Hash(token)
	err := t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := removeExpired(ctx, tx); err != nil {
			return err
		}
		return tx.AccessToken.Create().
			SetUserPk(u.ID).
			SetHash(hash).
			SetScopes(scopes).
			SetExpiresAt(tx.Now().Add(Lifetime)).
			Exec(ctx)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// expiredAtOnce bounds the expired tokens that issuing one removes: more than
// it adds, so that they do not pile up, and few, so that nobody waits for it.
const expiredAtOnce = 10

// removeExpired removes some of the expired access tokens of the instance.
func removeExpired(ctx context.Context, tx *store.Tx) error {
	expired, err := tx.AccessToken.Query().
		Where(accesstoken.ExpiresAtLTE(tx.Now()), store.SkipLocked).
		Order(accesstoken.ByExpiresAt()).Limit(expiredAtOnce).IDs(ctx)
	if err != nil || len(expired) == 0 {
		return err
	}
	_, err = tx.AccessToken.Delete().Where(accesstoken.IDIn(expired...)).Exec(ctx)
	return err
}

// IDToken returns a signed statement of the issuer, for the audience, that the
// user authenticated just now (OpenID Connect Core 1.0, 2). It returns the
// errors of the database, and one if the signing key cannot be unsealed.
func (t *Tokens) IDToken(ctx context.Context, u *ent.User, issuer, audience string) (string, error) {
	signer, err := t.signer(ctx)
	if err != nil {
		return "", err
	}
	now := t.store.Now()
	return jwt.Signed(signer).Claims(struct {
		jwt.Claims
		AuthTime *jwt.NumericDate `json:"auth_time"`
	}{
		Claims: jwt.Claims{
			Issuer:   issuer,
			Subject:  u.UserID,
			Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(now),
			Expiry:   jwt.NewNumericDate(now.Add(Lifetime)),
		},
		AuthTime: jwt.NewNumericDate(now),
	}).Serialize()
}
