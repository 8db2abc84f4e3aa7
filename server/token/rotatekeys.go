package token

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

// Rotation says what RotateKeys did in an instance.
type Rotation struct {
	InstanceID string `json:"instanceId"`
	// KeyID is the new key; empty if the instance has none that signs, and got
	// none.
	KeyID     string `json:"keyId,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	// ActivatesAt is nil for a key that signs at once.
	ActivatesAt *time.Time `json:"activatesAt,omitempty"`
}

// RotateKeys gives each instance that has a key another one of the same kind, or
// one instance if it is named. It signs at once, or after it was announced for
// some time. Each instance is told of when it is done; an error of told ends it.
//
// It returns fault.InstanceUnknown if there is no such instance, the error of
// ctx if that ends before all are done, and what went wrong in instances.
func (t *Tokens) RotateKeys(ctx context.Context, instanceID string, announce time.Duration, told func(Rotation) error) error {
	of := active()
	if instanceID != "" {
		of = signingkey.And(of, signingkey.InstanceID(instanceID))
		switch found, err := t.rotates(ctx, instanceID); {
		case err != nil:
			return err
		case !found:
			return told(Rotation{InstanceID: instanceID})
		}
	}
	// The keys that it makes are active as well.
	newest, err := t.store.Read().SigningKey.Query().Order(ent.Desc(signingkey.FieldID)).FirstID(across.Instances(ctx))
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	return t.eachKey(ctx, signingkey.And(of, signingkey.IDLTE(newest)), func(ctx context.Context, row *ent.SigningKey) error {
		done, err := t.rotate(ctx, row, announce)
		if err != nil {
			return err
		}
		if err := told(done); err != nil {
			stop(err)
		}
		return nil
	})
}

// rotates reports whether an instance has a key that signs. It returns
// fault.InstanceUnknown if there is no such instance.
func (t *Tokens) rotates(ctx context.Context, instanceID string) (bool, error) {
	ctx = caller.InInstance(ctx, instanceID)
	there, err := t.store.Read().Instance.Query().Exist(ctx)
	if err != nil {
		return false, err
	}
	if !there {
		return false, fault.InstanceUnknown.With()
	}
	return t.store.Read().SigningKey.Query().Where(active()).Exist(ctx)
}

// rotate has a new key follow one, whatever was announced before.
func (t *Tokens) rotate(ctx context.Context, row *ent.SigningKey, announce time.Duration) (Rotation, error) {
	made, err := t.newKeyLike(ctx, row)
	if err != nil {
		return Rotation{}, err
	}
	done := Rotation{InstanceID: row.InstanceID, KeyID: made.id, Algorithm: row.Algorithm}
	err = t.changeKeys(ctx, func(ctx context.Context, c *keyChange) error {
		if announce > 0 {
			at := c.tx.Now().Add(announce)
			done.ActivatesAt = &at
		}
		if err := c.withdraw(ctx); err != nil {
			return err
		}
		row, err := c.add(ctx, made, done.ActivatesAt)
		if err == nil && announce <= 0 {
			_, err = c.activate(ctx, row)
		}
		return err
	})
	return done, err
}
