package token

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// maxKeys bounds the keys that an instance can be given by hand: all of them are
// published, and read at once.
const maxKeys = 100

// newKey is a signing key that is not stored yet.
type newKey struct {
	id              string
	kind            KeyKind
	private, public []byte // PKCS #8 and PKIX, DER
}

// newSigningKey makes a key, which takes a while.
func (t *Tokens) newSigningKey(ctx context.Context, kind KeyKind) (k newKey, err error) {
	k.kind = kind
	pair, err := t.newKeyPair(ctx, kind)
	if err != nil {
		return k, err
	}
	if k.private, err = x509.MarshalPKCS8PrivateKey(pair); err != nil {
		return k, err
	}
	if k.public, err = x509.MarshalPKIXPublicKey(pair.Public()); err != nil {
		return k, err
	}
	k.id, err = t.store.NewID()
	return k, err
}

// SigningKeys returns all keys of the instance of ctx, the newest first. It
// returns the errors of the database.
func (t *Tokens) SigningKeys(ctx context.Context) ([]*ent.SigningKey, error) {
	return t.store.Read().SigningKey.Query().Order(ent.Desc(signingkey.FieldID)).All(ctx)
}

// CreateSigningKey gives the instance of ctx a key of the kind, which signs once
// it is activated. It returns fault.WebKeysMany if there are too many, and the
// error of ctx if that ends while the key is made.
func (t *Tokens) CreateSigningKey(ctx context.Context, kind KeyKind) (*ent.SigningKey, error) {
	if err := checkNumber(ctx, t.store.Read().SigningKey); err != nil { // before the work
		return nil, err
	}
	made, err := t.newSigningKey(ctx, kind)
	if err != nil {
		return nil, err
	}
	var row *ent.SigningKey
	err = t.changeKeys(ctx, func(ctx context.Context, c *keyChange) (err error) {
		if err = checkNumber(ctx, c.tx.SigningKey); err == nil {
			row, err = c.add(ctx, made, nil)
		}
		return err
	})
	return row, err
}

func checkNumber(ctx context.Context, keys *ent.SigningKeyClient) error {
	number, err := keys.Query().Count(ctx)
	if err == nil && number >= maxKeys {
		err = fault.WebKeysMany.With(maxKeys)
	}
	return err
}

// ActivateSigningKey makes a key of the instance of ctx the one that signs, and
// returns since when it does. The active one stays what it is. It returns
// fault.WebKeyUnknown.
func (t *Tokens) ActivateSigningKey(ctx context.Context, keyID string) (at time.Time, err error) {
	err = t.changeKeys(ctx, func(ctx context.Context, c *keyChange) error {
		row, err := c.find(ctx, keyID)
		if err == nil && row.State != signingkey.StateActive {
			row, err = c.activate(ctx, row)
		}
		if err != nil {
			return err
		}
		at = row.ChangedAt
		return nil
	})
	return at, err
}

// RemoveSigningKey takes a key from the instance of ctx: nothing that it signed
// is valid any more. It returns nil for a key that is not there, else when it
// went. It returns fault.WebKeyActive for the active one.
func (t *Tokens) RemoveSigningKey(ctx context.Context, keyID string) (at *time.Time, err error) {
	err = t.changeKeys(ctx, func(ctx context.Context, c *keyChange) error {
		at = nil
		row, err := c.find(ctx, keyID)
		switch {
		case errors.Is(err, fault.WebKeyUnknown.With()):
			return nil
		case err != nil:
			return err
		case row.State == signingkey.StateActive:
			return fault.WebKeyActive.With()
		}
		now := c.tx.Now()
		at = &now
		return c.remove(ctx, row)
	})
	return at, err
}

// keyChange is a transaction on the keys of an instance, which it has to itself.
type keyChange struct {
	tokens   *Tokens
	tx       *store.Tx
	instance *ent.Instance
	// under is what a new key is sealed under.
	under []byte
}

// changeKeys runs f in a transaction while nobody else changes keys of the
// instance of ctx. It returns fault.InstanceUnknown if there is no such instance.
func (t *Tokens) changeKeys(ctx context.Context, f func(context.Context, *keyChange) error) error {
	return t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		under, err := tx.SealedUnder(ctx) // before any other lock
		if err != nil {
			return err
		}
		instance, err := tx.Instance.Query().Only(ctx)
		if ent.IsNotFound(err) {
			err = fault.InstanceUnknown.With()
		}
		if err != nil {
			return err
		}
		if err := tx.Lock(ctx, store.InstanceObject(instance)); err != nil {
			return err
		}
		return f(ctx, &keyChange{tokens: t, tx: tx, instance: instance, under: under})
	})
}

// find returns a key by its id, or fault.WebKeyUnknown.
func (c *keyChange) find(ctx context.Context, keyID string) (*ent.SigningKey, error) {
	row, err := c.tx.SigningKey.Query().Where(signingkey.KeyID(keyID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.WebKeyUnknown.With()
	}
	return row, err
}

// add stores a key, which is activated by itself at a time; nil means not. It is
// sealed here, under the master key of this moment.
func (c *keyChange) add(ctx context.Context, k newKey, activatesAt *time.Time) (*ent.SigningKey, error) {
	sealed, err := c.tokens.masterKey.Seal(ctx, c.under, k.private, store.SealedSigningKey.BoundTo(c.instance.InstanceID, k.id))
	if err != nil {
		return nil, err
	}
	row, err := c.tx.SigningKey.Create().
		SetKeyID(k.id).
		SetInstancePk(c.instance.ID).
		SetAlgorithm(string(k.kind.Algorithm)).
		SetPrivateKey(sealed).
		SetPublicKey(k.public).
		SetNillableActivatesAt(activatesAt).
		Save(ctx)
	if err != nil {
		return nil, err
	}
	payload := map[string]any{"algorithm": row.Algorithm}
	if k.kind.Bits != 0 {
		payload["bits"] = k.kind.Bits
	}
	if activatesAt != nil {
		payload["activation"] = activatesAt.Format(time.RFC3339Nano)
	}
	return row, c.record(ctx, store.WebKeyAdded, row, payload)
}

// activate makes a key that is not active the one that signs, and returns it as
// it is then. The one before is retired. A key that was announced to follow that
// one has nothing to follow any more, and goes: it has signed nothing.
func (c *keyChange) activate(ctx context.Context, row *ent.SigningKey) (*ent.SigningKey, error) {
	if err := c.withdraw(ctx, signingkey.IDNEQ(row.ID)); err != nil {
		return nil, err
	}
	former, err := c.tx.SigningKey.Query().Where(active()).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range former {
		if err := c.tx.SigningKey.UpdateOne(key).SetState(signingkey.StateInactive).SetRetiredAt(c.tx.Now()).Exec(ctx); err != nil {
			return nil, err
		}
		if err := c.record(ctx, store.WebKeyDeactivated, key, nil); err != nil {
			return nil, err
		}
	}
	row, err = c.tx.SigningKey.UpdateOne(row).
		SetState(signingkey.StateActive).SetActivatedAt(c.tx.Now()).ClearActivatesAt().ClearRetiredAt().Save(ctx)
	if err != nil {
		return nil, err
	}
	return row, c.record(ctx, store.WebKeyActivated, row, nil)
}

// withdraw removes the keys that were announced and meet the conditions.
func (c *keyChange) withdraw(ctx context.Context, conditions ...predicate.SigningKey) error {
	rows, err := c.tx.SigningKey.Query().Where(announced()).Where(conditions...).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := c.remove(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// announced is the condition of a key that will be activated by itself.
func announced() predicate.SigningKey {
	return signingkey.And(signingkey.StateEQ(signingkey.StateInitial), signingkey.ActivatesAtNotNil())
}

func (c *keyChange) remove(ctx context.Context, row *ent.SigningKey) error {
	if err := c.record(ctx, store.WebKeyRemoved, row, nil); err != nil { // while there is something to count it on
		return err
	}
	return c.tx.SigningKey.DeleteOne(row).Exec(ctx)
}

func (c *keyChange) record(ctx context.Context, what store.EventType, row *ent.SigningKey, payload map[string]any) error {
	_, err := c.tx.Record(ctx, what, store.WebKeyObject(row), store.Payload{Public: payload})
	return err
}
