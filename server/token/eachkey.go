package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

const (
	// defaultRotationBatch is how many keys are read at once.
	defaultRotationBatch = 100
	// maxFailures is how many of the errors of a rotation are told.
	maxFailures = 10
)

// ofInstanceThere is the condition of keys whose instance was not removed. Those
// of others are erased with it.
func ofInstanceThere() predicate.SigningKey {
	return signingkey.HasTenantWith(instance.StateNEQ(instance.StateRemoved))
}

// eachKey calls do for every key of any instance that meets the condition, in
// that instance. It ends with ctx. What goes wrong with a key does not keep it
// from the others.
func (t *Tokens) eachKey(ctx context.Context, of predicate.SigningKey, do func(context.Context, *ent.SigningKey) error) error {
	var failed failures
	for last := int64(0); ; {
		rows, err := t.store.Read().SigningKey.Query().
			Where(of, ofInstanceThere(), signingkey.IDGT(last)).
			Order(ent.Asc(signingkey.FieldID)).Limit(t.rotationBatch).
			Select(signingkey.FieldID, signingkey.FieldInstanceID, signingkey.FieldKeyID, signingkey.FieldAlgorithm, signingkey.FieldPublicKey).
			All(across.Instances(ctx))
		if err != nil {
			return errors.Join(failed.err(), err)
		}
		for _, row := range rows {
			last = row.ID
			err := do(caller.InInstance(ctx, row.InstanceID), row)
			switch {
			case ctx.Err() != nil:
				return errors.Join(failed.err(), context.Cause(ctx))
			case err == nil, errors.Is(err, fault.InstanceUnknown.With()): // it was removed meanwhile
				continue
			}
			failed.add(fmt.Errorf("token: instance %s: %w", row.InstanceID, err))
		}
		if len(rows) < t.rotationBatch {
			return failed.err()
		}
	}
}

// failures are what went wrong with keys: the first of it, and how much more.
type failures struct {
	first []error
	more  int
}

func (f *failures) add(err error) {
	if len(f.first) < maxFailures {
		f.first = append(f.first, err)
	} else {
		f.more++
	}
}

// err returns all of it as one error; nil if nothing went wrong.
func (f *failures) err() error {
	err := errors.Join(f.first...)
	if f.more > 0 {
		err = errors.Join(err, fmt.Errorf("token: and %d more", f.more))
	}
	return err
}
