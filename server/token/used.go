package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent/usedassertion"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// errUsed is why an assertion is refused that is sent again.
var errUsed = errors.New("an assertion with its jti was accepted before")

// useOnce marks an assertion as used, by the key that signed it and its `jti`;
// one without may be sent again. It returns fault.AssertionInvalid for one that
// was used.
func (t *Tokens) useOnce(ctx context.Context, keyID string, claims jwt.Claims) error {
	if claims.ID == "" {
		return nil
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(keyID), keyID, claims.ID))
	err := t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		instance, err := tx.Instance.Query().Only(ctx)
		if err != nil {
			return err
		}
		return tx.UsedAssertion.Create().SetInstancePk(instance.ID).SetHash(hash[:]).SetExpiresAt(claims.Expiry.Time()).Exec(ctx)
	})
	if store.TakenColumn(err) == usedassertion.FieldHash {
		err = fault.AssertionInvalid.With().Because(errUsed)
	}
	return err
}
