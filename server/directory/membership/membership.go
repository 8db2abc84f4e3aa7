// Package membership gives users roles on instances and organizations.
package membership

import (
	"context"
	"errors"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
)

// On is what members are members of.
type On struct {
	level membership.Level
	at    caller.Level
	// id is the id of the instance or organization.
	id           string
	object       store.Object
	organization *ent.Organization
	types        eventTypes
}

type eventTypes struct{ added, changed, removed store.EventType }

// levels are what members of an instance and of an organization are in the
// database.
var levels = map[caller.Level]membership.Level{
	caller.InstanceLevel:     membership.LevelInstance,
	caller.OrganizationLevel: membership.LevelOrganization,
}

// OnInstance returns the level of an instance.
func OnInstance(i *ent.Instance) On {
	return On{
		level: membership.LevelInstance, at: caller.InstanceLevel, id: i.InstanceID, object: store.InstanceObject(i),
		types: eventTypes{store.InstanceMemberAdded, store.InstanceMemberChanged, store.InstanceMemberRemoved},
	}
}

// OnOrganization returns the level of an organization.
func OnOrganization(o *ent.Organization) On {
	return On{
		level: membership.LevelOrganization, at: caller.OrganizationLevel, id: o.OrganizationID, object: store.OrganizationObject(o),
		organization: o,
		types:        eventTypes{store.OrgMemberAdded, store.OrgMemberChanged, store.OrgMemberRemoved},
	}
}

// CheckRoles returns the roles without repetition, sorted, or fault.Invalid
// for the request field "roles", or fault.RoleDenied for a role that the
// caller of ctx may not give.
func CheckRoles(ctx context.Context, on On, roles []string) ([]string, error) {
	if len(roles) == 0 {
		return nil, fault.RolesMissing.Field("roles")
	}
	possible := permission.RolesOf(on.at)
	for _, role := range roles {
		if !slices.Contains(possible, role) {
			return nil, fault.RoleUnknown.Field("roles", role)
		}
	}
	roles = slices.Clone(roles)
	slices.Sort(roles)
	roles = slices.Compact(roles)
	return roles, checkMayGive(ctx, on, roles)
}

// CheckMayActAs returns fault.RoleDenied when the user has a role, wherever in
// the instance, that the caller of ctx neither could give itself there nor needs
// in addition to its own. Whoever makes a credential for a user can act as that
// user; and whoever takes one away, or the user's name, address or state, stands
// above it. A user may do all of this to itself.
func CheckMayActAs(ctx context.Context, tx *store.Tx, u *ent.User) error {
	if c := caller.From(ctx); c.Kind == caller.User && c.ID == u.UserID {
		return nil
	}
	rows, err := tx.Membership.Query().Where(membership.UserPk(u.ID)).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		at := On{at: caller.InstanceLevel, id: row.ObjectID}
		if row.Level == membership.LevelOrganization {
			at.at = caller.OrganizationLevel
		}
		if err := check(ctx, at, row.Roles, permission.MayActAs); err != nil {
			return err
		}
	}
	return nil
}

func checkMayGive(ctx context.Context, on On, roles []string) error {
	return check(ctx, on, roles, permission.MayGive)
}

// check returns fault.RoleDenied for a role with which the caller of ctx may not
// do what is asked.
func check(ctx context.Context, on On, roles []string, may func(caller.Caller, string, caller.Level, permission.Objects) bool) error {
	objects := permission.Objects{InstanceID: caller.InstanceOf(ctx).ID}
	if on.at == caller.OrganizationLevel {
		objects.OrganizationID = on.id
	}
	for _, role := range roles {
		if !may(caller.From(ctx), role, on.at, objects) {
			return fault.RoleDenied.With(role)
		}
	}
	return nil
}

// checkMayTake returns why a member may not lose the roles.
func checkMayTake(ctx context.Context, tx *store.Tx, on On, u *ent.User, roles []string) error {
	if err := checkMayGive(ctx, on, roles); err != nil {
		return err
	}
	if !slices.Contains(roles, permission.OwnerRole(on.at)) {
		return nil
	}
	return KeepOwner(ctx, tx, on, u)
}

// Add makes a user a member. The roles have been checked. It returns
// fault.MemberExists when the user is one.
func Add(ctx context.Context, tx *store.Tx, on On, u *ent.User, roles []string) (store.Change, error) {
	if err := lockOwner(ctx, tx, on, u, roles); err != nil {
		return store.Change{}, err
	}
	change, err := tx.Record(ctx, on.types.added, on.object, payload(u.UserID, roles))
	if err != nil {
		return change, err
	}
	create := tx.Membership.Create().SetUser(u).SetLevel(on.level).SetObjectID(on.id).SetRoles(roles).SetSequence(change.Sequence)
	if on.organization != nil {
		create.SetOrganization(on.organization)
	}
	err = create.Exec(ctx)
	if errors.Is(store.Fault(err), fault.AlreadyExists) {
		err = fault.MemberExists.With().Because(err)
	}
	return change, err
}

// Update replaces the roles of a member. The new ones have been checked; the
// caller of ctx must also be one who may give those that the member loses. It
// returns fault.MemberUnknown, fault.NothingChanged, or fault.LastOwner when
// nobody else could act as an owner.
func Update(ctx context.Context, tx *store.Tx, on On, u *ent.User, roles []string) (store.Change, *ent.Membership, error) {
	// Before the lock of the user: RemoveUser takes the two in this order.
	if err := tx.HoldShared(ctx, store.Owners); err != nil {
		return store.Change{}, nil, err
	}
	if err := lockOwner(ctx, tx, on, u, roles); err != nil {
		return store.Change{}, nil, err
	}
	row, err := find(ctx, tx, on, u)
	if err != nil {
		return store.Change{}, nil, err
	}
	if slices.Equal(row.Roles, roles) {
		return store.Change{}, nil, fault.NothingChanged.With()
	}
	lost := slices.DeleteFunc(slices.Clone(row.Roles), func(role string) bool { return slices.Contains(roles, role) })
	if err := checkMayTake(ctx, tx, on, u, lost); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, on.types.changed, on.object, payload(u.UserID, roles))
	if err != nil {
		return change, nil, err
	}
	row, err = tx.Membership.UpdateOne(row).SetRoles(roles).SetSequence(change.Sequence).Save(ctx)
	return change, row, err
}

// Remove ends a membership, and returns what it was. It returns
// fault.MemberUnknown, fault.RoleDenied when the member has a role that the
// caller of ctx may not give, or fault.LastOwner when nobody else could act as
// an owner.
func Remove(ctx context.Context, tx *store.Tx, on On, u *ent.User) (store.Change, *ent.Membership, error) {
	row, err := find(ctx, tx, on, u)
	if err != nil {
		return store.Change{}, nil, err
	}
	if err := checkMayTake(ctx, tx, on, u, row.Roles); err != nil {
		return store.Change{}, nil, err
	}
	if err := tx.Membership.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, on.types.removed, on.object, payload(u.UserID, nil))
	return change, row, err
}

// lockOwner locks a user who is made an owner, before the object: whoever takes
// the user out of service meanwhile has to see that it is one.
func lockOwner(ctx context.Context, tx *store.Tx, on On, u *ent.User, roles []string) error {
	if !slices.Contains(roles, permission.OwnerRole(on.at)) {
		return nil
	}
	return tx.Lock(ctx, store.UserObject(u))
}

// find locks the object, whose members are counted by rules, and returns the
// membership of the user.
func find(ctx context.Context, tx *store.Tx, on On, u *ent.User) (*ent.Membership, error) {
	if err := tx.HoldShared(ctx, store.Owners); err != nil {
		return nil, err
	}
	if err := tx.Lock(ctx, on.object); err != nil {
		return nil, err
	}
	row, err := tx.Membership.Query().
		Where(membership.LevelEQ(on.level), membership.ObjectID(on.id), membership.UserPk(u.ID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.MemberUnknown.With()
	}
	return row, err
}

func payload(userID string, roles []string) store.Payload {
	values := map[string]any{"userId": userID}
	if roles != nil {
		values["roles"] = roles
	}
	return store.Payload{Public: values}
}
