package token

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// maxKeyBits bounds the work of verifying a signature by a key that a client
// brought.
const maxKeyBits = 8192

// MachineKey is a new key that a machine user signs assertions with.
type MachineKey struct{ clientKey }

// NewMachineKey returns a key that is valid once it is saved, until expiresAt;
// nil means forever. public is the half that the client brought; nil makes a
// new pair, or takes one made ahead.
//
// It returns fault.Unavailable when no id can be made, and the error of ctx if
// that ends while waiting for a pair.
func (t *Tokens) NewMachineKey(ctx context.Context, expiresAt *time.Time, public *rsa.PublicKey) (MachineKey, error) {
	key, err := t.newClientKey(ctx, expiresAt, public)
	return MachineKey{key}, err
}

// Save stores the public half for the user and records it as a change of the
// user. It returns the errors of the database.
func (k MachineKey) Save(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	change, err := tx.Record(ctx, store.UserMachineKeyAdded, store.UserObject(u), store.Payload{Public: k.payload()})
	if err != nil {
		return change, err
	}
	return change, tx.MachineKey.Create().
		SetKeyID(k.ID).
		SetUserPk(u.ID).
		SetPublicKey(k.public).
		SetNillableExpiresAt(k.ExpiresAt).
		SetSequence(change.Sequence).
		Exec(ctx)
}

// File returns the key file that clients of the JWT profile read, nil when the
// client brought its own public key. It holds the private key, which is kept
// nowhere else.
func (k MachineKey) File(userID string) []byte {
	return k.file(keyFile{Type: "serviceaccount", UserID: userID})
}

// ParsePublicKey reads a public key that a client brought: PEM, PKIX or
// PKCS #1. It returns fault.KeyInvalid for anything but an RSA key of 2048 to
// 8192 bits.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	invalid := fault.KeyInvalid.Field("public_key")
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, invalid
	}
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if block.Type != "RSA PUBLIC KEY" {
		var parsed any
		parsed, err = x509.ParsePKIXPublicKey(block.Bytes)
		key, _ = parsed.(*rsa.PublicKey)
	}
	if err != nil || key == nil {
		return nil, invalid.Because(err)
	}
	// An even exponent, or 1, is none of RSA: the latter would let anyone sign.
	if bits := key.N.BitLen(); bits < keyBits || bits > maxKeyBits || key.E < 3 || key.E%2 == 0 {
		return nil, invalid
	}
	return key, nil
}
