package user

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// LockMachine makes other transactions that change the machine user wait, and
// returns it as it is then. It returns fault.UserUnknown, or
// fault.UserNotMachine.
func LockMachine(ctx context.Context, tx *store.Tx, id string) (*ent.User, error) {
	row, err := Get(ctx, tx.User, id)
	if err != nil {
		return nil, err
	}
	if row.Type != user.TypeMachine {
		return nil, fault.UserNotMachine.With()
	}
	if err := tx.Lock(ctx, store.UserObject(row)); err != nil {
		return nil, err
	}
	return Get(ctx, tx.User, id)
}

// UpdateMachine replaces what is known of a machine user, which is locked. It
// returns fault.NothingChanged.
func UpdateMachine(ctx context.Context, tx *store.Tx, row *ent.User, m Machine) (store.Change, error) {
	m.Name, m.Description = store.Text(m.Name), store.Text(m.Description)
	if m == (Machine{Name: row.DisplayName, Description: row.Description, AccessTokenType: row.AccessTokenType}) {
		return store.Change{}, fault.NothingChanged.With()
	}
	change, err := tx.Record(ctx, store.UserMachineChanged, store.UserObject(row), store.Payload{Public: map[string]any{
		"name": m.Name, "description": m.Description, "accessTokenType": m.AccessTokenType,
	}})
	if err != nil {
		return change, err
	}
	return change, tx.User.UpdateOne(row).
		SetDisplayName(m.Name).SetDisplayNameKey(store.Key(m.Name)).
		SetDescription(m.Description).
		SetAccessTokenType(m.AccessTokenType).
		Exec(ctx)
}
