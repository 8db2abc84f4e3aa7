package token

import (
	"context"
	"log/slog"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// MachineSecret is a new secret of a machine user. Only its hash is stored.
type MachineSecret struct{ Secret string }

// String keeps the secret out of logs.
func (MachineSecret) String() string { return redacted }

// GoString keeps the secret out of logs.
func (MachineSecret) GoString() string { return redacted }

// LogValue keeps the secret out of logs.
func (MachineSecret) LogValue() slog.Value { return slog.StringValue(redacted) }

// NewMachineSecret returns a secret that is the user's once it is saved.
func NewMachineSecret() MachineSecret { return MachineSecret{Secret: id.NewToken(id.MachineSecret)} }

// Save stores the hash of the secret for the user, who is locked, in place of an
// earlier one, and records it as a change of the user. The tokens end that were
// got with the earlier one. It returns the errors of the database.
func (m MachineSecret) Save(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	change, err := tx.Record(ctx, store.UserMachineSecretSet, store.UserObject(u), store.Payload{})
	if err != nil {
		return change, err
	}
	if err := tx.User.UpdateOne(u).SetSecretHash(id.Hash(m.Secret)).Exec(ctx); err != nil {
		return change, err
	}
	return change, endTokens(ctx, tx, u, secretCredential)
}

// RemoveMachineSecret takes the secret from the user, who is locked, and ends the
// tokens that were got with it. It returns fault.SecretMissing.
func RemoveMachineSecret(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	if len(u.SecretHash) == 0 {
		return store.Change{}, fault.SecretMissing.With()
	}
	change, err := tx.Record(ctx, store.UserMachineSecretRemoved, store.UserObject(u), store.Payload{})
	if err != nil {
		return change, err
	}
	if err := tx.User.UpdateOne(u).ClearSecretHash().Exec(ctx); err != nil {
		return change, err
	}
	return change, endTokens(ctx, tx, u, secretCredential)
}
