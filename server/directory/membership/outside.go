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

// KeepOwnersOutside says what would be left without an owner if nobody of the
// organization could act any more: an active user of it is one, and no active
// user of another active organization is. It returns fault.OrganizationOwner for
// the instance, and fault.OrganizationNeeded for another organization. The
// caller holds store.Owners.
func KeepOwnersOutside(ctx context.Context, tx *store.Tx, in *ent.Instance, of *ent.Organization) error {
	if err := keepInstanceOwner(ctx, tx, in, of); err != nil {
		return err
	}
	here, elsewhere := organization.ID(of.ID), organization.IDNEQ(of.ID)
	alone, err := tx.Organization.Query().Where(elsewhere,
		organization.HasMembershipsWith(owner(in, caller.OrganizationLevel, here)),
		organization.Not(organization.HasMembershipsWith(owner(in, caller.OrganizationLevel, elsewhere))),
	).Order(organization.ByID()).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.OrganizationNeeded.With(alone.OrganizationID)
}

func keepInstanceOwner(ctx context.Context, tx *store.Tx, in *ent.Instance, of *ent.Organization) error {
	owned := func(home predicate.Organization) (bool, error) {
		return tx.Membership.Query().Where(owner(in, caller.InstanceLevel, home)).Exist(ctx)
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

// owner is the condition that a membership is one of an owner of the level who
// can act, and whose organization is like home.
func owner(in *ent.Instance, at caller.Level, home predicate.Organization) predicate.Membership {
	return membership.And(
		// As a part of another query it is not confined by itself.
		membership.InstanceID(in.InstanceID),
		membership.LevelEQ(levels[at]), holds(permission.OwnerRole(at)),
		membership.HasUserWith(entuser.StateEQ(entuser.StateActive),
			entuser.HasOrganizationWith(home, organization.StateEQ(organization.StateActive))),
	)
}
