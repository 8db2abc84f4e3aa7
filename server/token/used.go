package token

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent/usedassertion"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// maxJTI is the length of the longest `jti`, in bytes.
const maxJTI = 200

// errUsed is why an assertion is refused that is sent again.
var errUsed = errors.New("an assertion with its jti was accepted before")

// useOnce marks an assertion, which was verified, as used by the key that signed
// it and its `jti` (RFC 7523, 3). One without may be sent again, for published
// clients send identical ones within a second.
//
// It returns fault.AssertionInvalid, with the reason as a cause that the caller
// does not see, for one that was used and for a `jti` that is too long. Database
// errors travel as they are.
func (t *Tokens) useOnce(ctx context.Context, keyID string, claims jwt.Claims) error {
	switch {
	case claims.ID == "":
		return nil
	case len(claims.ID) > maxJTI:
		return fault.AssertionInvalid.With().Because(errMalformed)
	}
	// It is forgotten a little later than it expires: the clock of another server
	// that sweeps may be ahead.
	until := claims.Expiry.Time().UTC().Add(leeway)
	first, err := t.use.Add(ctx, assertionHash(keyID, claims.ID), until, t.store.Now())
	switch {
	case err != nil:
		return err
	case !first:
		return fault.AssertionInvalid.With().Because(errUsed)
	}
	t.expect(until)
	return nil
}

// assertionHash is what is stored of an assertion. The length of the key's id
// keeps it apart from the `jti`.
func assertionHash(keyID, jti string) []byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(len(keyID)))
	sum := sha256.Sum256(append(append(text, keyID...), jti...))
	return sum[:]
}

// useInsertion adds a used assertion, or takes the place of an equal one that
// has expired and was not swept yet. Of many callers it lets one pass.
func useInsertion(s *store.Store) *store.Insertion {
	return s.Insertion(usedassertion.Table, func(r *store.NewRow) {
		r.Set(usedassertion.FieldHash, r.Given())
		r.Set(usedassertion.FieldExpiresAt, r.Given())
		r.Renew(usedassertion.FieldExpiresAt, r.Given(), usedassertion.FieldInstanceID, usedassertion.FieldHash)
	})
}
