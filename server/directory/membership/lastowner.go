package membership

import (
	"context"
	"errors"
	"slices"

	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqljson"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/predicate"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
)

// KeepOwner returns fault.LastOwner when the level would be left without an
// owner if the user were not one any more: no other active user of an active
// organization holds the level's OWNER role. A user who could not act as the
// owner anyway is only kept while it is the only holder of the role.
//
// It locks the instance or organization first, so that of two callers who each
// take one of the last two owners the second one is refused.
func KeepOwner(ctx context.Context, tx *store.Tx, on On, u *ent.User) error {
	if err := tx.Lock(ctx, on.object); err != nil {
		return err
	}
	role := permission.OwnerRole(on.at)
	exist := func(conditions ...predicate.Membership) (bool, error) {
		return tx.Membership.Query().
			Where(membership.LevelEQ(on.level), membership.ObjectID(on.id), holds(role)).
			Where(conditions...).Exist(ctx)
	}
	isOwner, err := exist(membership.UserPk(u.ID))
	if err != nil || !isOwner {
		return err
	}
	able := membership.HasUserWith(entuser.StateEQ(entuser.StateActive),
		entuser.HasOrganizationWith(organization.StateEQ(organization.StateActive)))
	other := membership.UserPkNEQ(u.ID)
	if stays, err := exist(other, able); err != nil || stays {
		return err
	}
	acts, err := exist(membership.UserPk(u.ID), able)
	if err != nil {
		return err
	}
	if !acts {
		if another, err := exist(other); err != nil || another {
			return err
		}
	}
	return fault.LastOwner.With(role)
}

// KeepOwners is KeepOwner for every level that the user is a member of: it
// returns fault.LastOwner when the user may not be removed, deactivated or
// locked. The user is locked before the levels.
func KeepOwners(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if err := tx.HoldShared(ctx, store.Owners); err != nil {
		return err
	}
	if err := tx.Lock(ctx, store.UserObject(u)); err != nil {
		return err
	}
	return eachLevel(ctx, tx, u, func(on On, row *ent.Membership) error {
		if !slices.Contains(row.Roles, permission.OwnerRole(on.at)) {
			return nil
		}
		return KeepOwner(ctx, tx, on, u)
	})
}

// eachLevel runs f for every membership of a user and what it is one of, but
// for those of organizations that are being removed themselves.
func eachLevel(ctx context.Context, tx *store.Tx, u *ent.User, f func(On, *ent.Membership) error) error {
	rows, err := tx.Membership.Query().Where(membership.UserPk(u.ID)).
		Order(membership.ByLevel(), membership.ByObjectID()). // all lock in one order
		All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		on, err := levelOf(ctx, tx, row)
		if ent.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		err = f(on, row)
		if row.Level == membership.LevelOrganization && errors.Is(err, fault.NotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// levelOf returns what a membership is one of.
func levelOf(ctx context.Context, tx *store.Tx, row *ent.Membership) (On, error) {
	if row.Level == membership.LevelInstance {
		in, err := tx.Instance.Query().Only(ctx) // the scope of ctx leaves one
		if err != nil {
			return On{}, err
		}
		return OnInstance(in), nil
	}
	in, err := tx.Organization.Query().
		Where(organization.OrganizationID(row.ObjectID), organization.StateNEQ(organization.StateRemoved)).Only(ctx)
	if err != nil {
		return On{}, err
	}
	return OnOrganization(in), nil
}

// holds is the condition that the role is among those of a membership.
func holds(role string) predicate.Membership {
	return func(s *sql.Selector) { s.Where(sqljson.ValueContains(membership.FieldRoles, role)) }
}
