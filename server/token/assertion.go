package token

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// EndpointPath is the path of the token endpoint, which clients may name as
// the audience of an assertion instead of the issuer (RFC 7523, 3).
const EndpointPath = "/oauth/v2/token"

// maxKeyID is the length of the longest key id that is looked up, in bytes.
const maxKeyID = 200

// goodKeyID reports whether there may be a key with the id.
func goodKeyID(keyID string) bool {
	return keyID != "" && len(keyID) <= maxKeyID && !strings.ContainsRune(keyID, 0)
}

// MachineByAssertion returns the machine user who signed an assertion (RFC 7523)
// for the issuer, with one of its keys in the instance of ctx. An assertion with
// a `jti` is good once.
//
// It returns fault.AssertionInvalid, with the reason as a cause that the
// caller does not see, for a bad signature, algorithm, key, issuer, subject,
// audience or time, for one that was used, and for a user or an organization
// that is not active. Database errors travel as they are.
func (t *Tokens) MachineByAssertion(ctx context.Context, assertion, issuer string) (Client, error) {
	parsed, claims, err := parseSigned(assertion, jose.RS256)
	if err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	keyID := parsed.Headers[0].KeyID
	if !goodKeyID(keyID) {
		return Client{}, fault.AssertionInvalid.With().Because(errKeyUnknown)
	}
	c, key, err := t.clients.ownerOf(ctx, t.clients.machineKeys, keyID, t.store.Now())
	if err != nil {
		return Client{}, err
	}
	if err := t.checkAssertion(parsed, claims, c, key, issuer); err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	if err := t.useOnce(ctx, keyID, claims); err != nil {
		return Client{}, err
	}
	return c, nil
}

// checkAssertion returns why an assertion is not good. key is nil when there is
// no such key.
func (t *Tokens) checkAssertion(parsed *jwt.JSONWebToken, claims jwt.Claims, c Client, key any, issuer string) error {
	switch {
	case key == nil:
		return errKeyUnknown
	case claims.Issuer != c.ID || claims.Subject != c.ID:
		return errSubject
	}
	if err := verify(parsed, claims, key, []string{issuer, issuer + EndpointPath}, t.store.Now()); err != nil {
		return err
	}
	if *claims.Expiry > *claims.IssuedAt+jwt.NumericDate(maxAge/time.Second) {
		return errValidTooLong
	}
	return nil
}

// findMachineKey finds a key by its id, expired or not, with its active user, in
// one statement.
func (c *clients) findMachineKey(ctx context.Context, keyID string) (keyOwner, bool, error) {
	var u ent.User
	var der []byte
	var until *time.Time
	found, err := c.machineKey.Row(ctx, []any{keyID}, &der, &until, &u.ID, &u.UserID, &u.ResourceOwner, &u.AccessTokenType)
	if err != nil || !found {
		return keyOwner{}, false, err
	}
	owner := machine(&u, keyID)
	owner.Until = until
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return keyOwner{}, false, fmt.Errorf("token: machine key %s: %w", keyID, err)
	}
	return keyOwner{owner, key}, true, nil
}

// machineKeyLookup finds a key by its id, with its user. Only those of active
// users in active organizations are found.
func machineKeyLookup(s *store.Store) *store.Lookup {
	return s.Lookup(machinekey.Table, func(s *sql.Selector) {
		u := joinActive(s, s.C(machinekey.FieldUserPk))
		s.Select(
			s.C(machinekey.FieldPublicKey), s.C(machinekey.FieldExpiresAt),
			u.C(user.FieldID), u.C(user.FieldUserID), u.C(user.FieldResourceOwner), u.C(user.FieldAccessTokenType),
		)
		s.Where(sql.EQ(s.C(machinekey.FieldKeyID), store.Given))
	})
}
