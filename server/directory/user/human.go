package user

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// GetHuman returns the person of the instance of ctx. It returns
// fault.UserUnknown, or fault.UserNotHuman for a machine. It serves reads and
// transactions alike.
func GetHuman(ctx context.Context, users *ent.UserClient, id string) (*ent.User, error) {
	row, err := Get(ctx, users, id)
	if err != nil {
		return nil, err
	}
	if row.Type != user.TypeHuman {
		return nil, fault.UserNotHuman.With()
	}
	return row, nil
}

// LockHuman returns the person, whom no other transaction changes until this
// one ends. It returns fault.UserUnknown, or fault.UserNotHuman for a machine.
func LockHuman(ctx context.Context, tx *store.Tx, id string) (*ent.User, error) {
	row, err := GetHuman(ctx, tx.User, id)
	if err != nil {
		return nil, err
	}
	if err := tx.Lock(ctx, store.UserObject(row)); err != nil {
		return nil, err
	}
	return GetHuman(ctx, tx.User, id) // as those before left it
}

// stateOf returns the state of a person: it begins in the state initial, and
// becomes active with the first password and the first proved e-mail address.
// Later neither can be taken away, and other states are left by their own calls.
func stateOf(now user.State, emailVerified, hasPassword bool) user.State {
	if now == user.StateInitial && emailVerified && hasPassword {
		return user.StateActive
	}
	return now
}
