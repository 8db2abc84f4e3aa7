package membership

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Members are the members of what On returns. Each change is a transaction of
// its own, and tells when the membership began.
type Members struct {
	Store *store.Store
	// On returns the instance or organization that a call is about, or the
	// fault that it is not there.
	On func(context.Context, *store.Tx) (On, error)
}

// Add makes a user of the instance of ctx a member. It returns
// fault.UserUnknown, what CheckRoles returns, or fault.MemberExists.
func (m Members) Add(ctx context.Context, userID string, roles []string) (store.Change, error) {
	change, _, err := m.change(ctx, userID, func(ctx context.Context, tx *store.Tx, on On, u *ent.User) (store.Change, *ent.Membership, error) {
		roles, err := CheckRoles(ctx, on, roles)
		if err != nil {
			return store.Change{}, nil, err
		}
		change, err := Add(ctx, tx, on, u, roles)
		return change, &ent.Membership{CreatedAt: change.At}, err
	})
	return change, err
}

// Update replaces the roles of a member. It returns fault.UserUnknown, what
// CheckRoles returns, or what Update returns.
func (m Members) Update(ctx context.Context, userID string, roles []string) (store.Change, time.Time, error) {
	return m.change(ctx, userID, func(ctx context.Context, tx *store.Tx, on On, u *ent.User) (store.Change, *ent.Membership, error) {
		roles, err := CheckRoles(ctx, on, roles)
		if err != nil {
			return store.Change{}, nil, err
		}
		return Update(ctx, tx, on, u, roles)
	})
}

// Remove ends a membership. It returns fault.UserUnknown, or what Remove
// returns.
func (m Members) Remove(ctx context.Context, userID string) (store.Change, time.Time, error) {
	return m.change(ctx, userID, Remove)
}

// change runs f in a transaction with what the members are of and the user.
func (m Members) change(ctx context.Context, userID string, f func(context.Context, *store.Tx, On, *ent.User) (store.Change, *ent.Membership, error)) (change store.Change, began time.Time, err error) {
	err = m.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		on, err := m.On(ctx, tx)
		if err != nil {
			return err
		}
		u, err := user.Get(ctx, tx.User, userID)
		if err != nil {
			return err
		}
		var row *ent.Membership
		if change, row, err = f(ctx, tx, on, u); err != nil {
			return err
		}
		began = row.CreatedAt
		return nil
	})
	return change, began, err
}
