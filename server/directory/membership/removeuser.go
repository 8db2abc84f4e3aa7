package membership

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// RemoveUser removes a user with all that is its own, memberships and history
// too: see user.Remove. It returns fault.LastOwner as KeepOwners does, and
// fault.RoleDenied when the user has a role that the caller of ctx may not
// take; who removes itself may take its own.
func RemoveUser(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	if err := tx.HoldShared(ctx, store.Owners); err != nil {
		return store.Change{}, err
	}
	// From here on nobody can make the user a member of anything.
	if err := tx.LockToRemove(ctx, store.UserObject(u)); err != nil {
		return store.Change{}, err
	}
	if err := CheckMayActAs(ctx, tx, u); err != nil {
		return store.Change{}, err
	}
	if err := KeepOwners(ctx, tx, u); err != nil {
		return store.Change{}, err
	}
	if err := leave(ctx, tx, u); err != nil {
		return store.Change{}, err
	}
	if err := grant.RemoveOfUser(ctx, tx, u); err != nil {
		return store.Change{}, err
	}
	return user.Remove(ctx, tx, u)
}

// leave ends all memberships of a user.
func leave(ctx context.Context, tx *store.Tx, u *ent.User) error {
	err := eachLevel(ctx, tx, u, func(on On, _ *ent.Membership) error {
		_, err := tx.Record(ctx, on.types.removed, on.object, payload(u.UserID, nil))
		return err
	})
	if err == nil {
		// Also those of organizations that no query shows any more.
		_, err = tx.Membership.Delete().Where(membership.UserPk(u.ID)).Exec(ctx)
	}
	return err
}
