package membership

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/predicate"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
)

// KeepOwnerOutside returns fault.OrganizationOwner when the instance would be
// left without an owner if nobody of the organization could act any more: an
// active user of it is one, and no active user of another active organization
// is. The instance has to be locked.
func KeepOwnerOutside(ctx context.Context, tx *store.Tx, in *ent.Instance, of *ent.Organization) error {
	owned := func(home predicate.Organization) (bool, error) {
		return tx.Membership.Query().Where(
			membership.LevelEQ(membership.LevelInstance), membership.ObjectID(in.InstanceID),
			holds(permission.OwnerRole(caller.InstanceLevel)),
			membership.HasUserWith(entuser.StateEQ(entuser.StateActive),
				entuser.HasOrganizationWith(home, organization.StateEQ(organization.StateActive))),
		).Exist(ctx)
	}
	if elsewhere, err := owned(organization.IDNEQ(of.ID)); err != nil || elsewhere {
		return err
	}
	here, err := owned(organization.ID(of.ID))
	if err == nil && here {
		err = fault.OrganizationOwner.With()
	}
	return err
}
