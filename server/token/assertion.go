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
)

// EndpointPath is the path of the token endpoint, which clients may name as
// the audience of an assertion instead of the issuer (RFC 7523, 3).
const EndpointPath = "/oauth/v2/token"

// maxKeyID is the length of the longest key id that is looked up, in bytes.
const maxKeyID = 200

// MachineByAssertion returns the machine user who signed an assertion (RFC 7523)
// for the issuer, with one of its keys in the instance of ctx.
//
// It returns fault.AssertionInvalid, with the reason as a cause that the
// caller does not see, for a bad signature, algorithm, key, issuer, subject,
// audience or time, and for a user or an organization that is not active.
// Database errors travel as they are.
func (t *Tokens) MachineByAssertion(ctx context.Context, assertion, issuer string) (Client, error) {
	parsed, claims, err := parseSigned(assertion, jose.RS256)
	if err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	keyID := parsed.Headers[0].KeyID
	if keyID == "" || len(keyID) > maxKeyID || strings.ContainsRune(keyID, 0) {
		return Client{}, fault.AssertionInvalid.With().Because(errKeyUnknown)
	}
	u, key, err := t.ownerOfKey(ctx, keyID)
	if err != nil {
		return Client{}, err
	}
	if err := t.checkAssertion(parsed, claims, u, key, issuer); err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	return machine(u, keyID), nil
}

// checkAssertion returns why an assertion is not good. u is nil when there is
// no such key.
func (t *Tokens) checkAssertion(parsed *jwt.JSONWebToken, claims jwt.Claims, u *ent.User, key any, issuer string) error {
	switch {
	case u == nil:
		return errKeyUnknown
	case claims.Issuer != u.UserID || claims.Subject != u.UserID:
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

// The columns of the key beside those of its user.
const (
	keyColumn        = "machine_key"
	keyExpiresColumn = "machine_key_expires_at"
)

// ownerOfKey returns the active user of a key and the key, in one statement;
// nil when there is none, or when it has expired.
func (t *Tokens) ownerOfKey(ctx context.Context, keyID string) (*ent.User, any, error) {
	query := t.store.Read().User.Query()
	query.Modify(func(s *sql.Selector) {
		keys := sql.Table(machinekey.Table)
		// The instance is given twice for the sake of the index.
		s.Join(keys).OnP(sql.And(
			sql.ColumnsEQ(s.C(user.FieldID), keys.C(machinekey.FieldUserPk)),
			sql.ColumnsEQ(s.C(user.FieldInstanceID), keys.C(machinekey.FieldInstanceID)),
		))
		joinActiveOrganization(s, s.C)
		s.Where(sql.EQ(s.C(user.FieldState), user.StateActive))
		s.Where(sql.EQ(keys.C(machinekey.FieldKeyID), keyID))
		s.AppendSelectAs(keys.C(machinekey.FieldPublicKey), keyColumn)
		s.AppendSelectAs(keys.C(machinekey.FieldExpiresAt), keyExpiresColumn)
	})
	u, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	expires, err := u.Value(keyExpiresColumn)
	if err != nil {
		return nil, nil, err
	}
	if at, ok := expires.(time.Time); ok && !at.After(t.store.Now()) || !ok && expires != nil {
		return nil, nil, nil
	}
	der, err := u.Value(keyColumn)
	if err != nil {
		return nil, nil, err
	}
	text, ok := der.([]byte)
	if !ok {
		return nil, nil, fmt.Errorf("token: the public key of %s is a %T", keyID, der)
	}
	key, err := x509.ParsePKIXPublicKey(text)
	return u, key, err
}
