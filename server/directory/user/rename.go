package user

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Rename gives a user another user name. It returns fault.UserNameTaken, or
// fault.NothingChanged for the name that it has.
func Rename(ctx context.Context, tx *store.Tx, u *ent.User, name string) (store.Change, error) {
	if err := tx.HoldShared(ctx, store.LoginNames); err != nil { // the scope stays
		return store.Change{}, err
	}
	u, err := again(ctx, tx, u)
	if err != nil {
		return store.Change{}, err
	}
	before, key := u.UserName, store.Key(name)
	if before == store.Text(name) {
		return store.Change{}, fault.NothingChanged.With()
	}
	if err := FreeName(ctx, tx, u.NameScope, key); err != nil {
		return store.Change{}, err
	}
	err = tx.User.UpdateOne(u).SetUserName(store.Text(name)).SetNameKey(key).Exec(ctx)
	if store.TakenColumn(err) == user.FieldNameKey {
		err = fault.UserNameTaken.With().Because(err)
	}
	if err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserUsernameChanged, store.UserObject(u),
		store.Payload{Personal: map[string]any{"userName": store.Text(name), "oldUserName": before}})
}

// again makes other changes of the user wait, and reads it as those before
// left it.
func again(ctx context.Context, tx *store.Tx, u *ent.User) (*ent.User, error) {
	if err := tx.Lock(ctx, store.UserObject(u)); err != nil {
		return nil, err
	}
	return Get(ctx, tx.User, u.UserID)
}
