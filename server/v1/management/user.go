package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Users are the calls about people of the chosen organization.
type Users struct {
	store *store.Store
	users *user.Users
}

// changeOf is a change of a user in a transaction.
type changeOf func(context.Context, *store.Tx, *ent.User) (store.Change, error)

// asUser is f for a user whom the caller may act as, or fault.RoleDenied.
func asUser(f changeOf) changeOf {
	return func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		if err := membership.CheckMayActAs(ctx, tx, u); err != nil {
			return store.Change{}, err
		}
		return f(ctx, tx, u)
	}
}

// add adds a user to the chosen organization and returns the id.
func add(ctx context.Context, s *store.Store, users *user.Users, n user.New, paths user.Paths) (string, store.Change, error) {
	prepared, err := users.Prepare(ctx, n, caller.OrganizationID(ctx), paths)
	if err != nil {
		return "", store.Change{}, err
	}
	var change store.Change
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		org, err := organization.Get(ctx, tx.Organization, caller.OrganizationID(ctx))
		if err != nil {
			return err
		}
		_, change, err = prepared.Save(ctx, tx, org)
		return err
	})
	return prepared.ID, change, err
}
