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

// Change runs f in a transaction with a user. It returns the user as it was
// before, and the change that f returned. It returns fault.UserUnknown or the
// errors of f.
func Change(ctx context.Context, s *store.Store, id string, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*ent.User, store.Change, error) {
	return changeOf(ctx, s, id, func(ctx context.Context, tx *store.Tx, id string) (*ent.User, error) { return Get(ctx, tx.User, id) }, f)
}

// ChangeHuman is Change with a person whom nobody else changes meanwhile. It
// returns the errors of LockHuman and of f.
func ChangeHuman(ctx context.Context, s *store.Store, id string, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*ent.User, store.Change, error) {
	return changeOf(ctx, s, id, LockHuman, f)
}

func changeOf(
	ctx context.Context, s *store.Store, id string,
	find func(context.Context, *store.Tx, string) (*ent.User, error),
	f func(context.Context, *store.Tx, *ent.User) (store.Change, error),
) (row *ent.User, change store.Change, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if row, err = find(ctx, tx, id); err != nil {
			return err
		}
		change, err = f(ctx, tx, row)
		return err
	})
	return row, change, err
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

// hasPassword reports whether a person has a password.
func hasPassword(u *ent.User) bool { return u.PasswordChangedAt != nil }
