// Package grant gives users roles of projects.
package grant

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqljson"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/projectrole"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// CheckRoles returns the keys without repetition, sorted, or
// fault.GrantRoleUnknown for an entry of the request field "role_keys" that is
// no role of the project. The project is locked, so that they stay.
func CheckRoles(ctx context.Context, tx *store.Tx, of *ent.Project, keys []string) ([]string, error) {
	wanted := make([]string, len(keys))
	for i, key := range keys {
		wanted[i] = store.Text(key)
	}
	there, err := tx.ProjectRole.Query().Where(projectrole.ProjectPk(of.ID), projectrole.KeyIn(wanted...)).
		Select(projectrole.FieldKey).Strings(ctx)
	if err != nil {
		return nil, err
	}
	for i, key := range wanted {
		if !slices.Contains(there, key) {
			return nil, fault.GrantRoleUnknown.Field(fmt.Sprintf("role_keys[%d]", i), key)
		}
	}
	slices.Sort(there) // each is there once, whatever was sent
	return append([]string{}, there...), nil
}

// Add grants a user roles of a project that is locked; they have been checked.
// The grant belongs to the organization of the project. It returns
// fault.GrantExists.
func Add(ctx context.Context, tx *store.Tx, id string, of *ent.Project, u *ent.User, roles []string) (store.Change, error) {
	row, err := tx.UserGrant.Create().
		SetGrantID(id).SetOrganizationPk(of.OrganizationPk).SetResourceOwner(of.ResourceOwner).
		SetUser(u).SetProject(of).SetRoleKeys(roles).
		Save(ctx)
	if store.TakenColumn(err) == usergrant.FieldProjectPk {
		err = fault.GrantExists.With().Because(err)
	}
	if err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserGrantAdded, store.UserGrantObject(row), store.Payload{Public: map[string]any{
		"userId": u.UserID, "projectId": of.ProjectID, "roleKeys": roles,
	}})
}

// Of returns the condition that a grant belongs to an organization and has the
// id.
func Of(organizationID, id string) predicate.UserGrant {
	return usergrant.And(usergrant.ResourceOwner(organizationID), usergrant.GrantID(id))
}

// Lock returns the grant that all conditions describe, with its project. Nobody
// else changes either until the transaction ends. It returns
// fault.GrantUnknown.
func Lock(ctx context.Context, tx *store.Tx, conditions ...predicate.UserGrant) (*ent.UserGrant, error) {
	row, err := one(ctx, tx, conditions)
	if err != nil {
		return nil, err
	}
	// Roles are taken from grants by who holds the project.
	if err := tx.Lock(ctx, store.ProjectObject(row.Edges.Project)); err != nil {
		return nil, err
	}
	return one(ctx, tx, conditions)
}

func one(ctx context.Context, tx *store.Tx, conditions []predicate.UserGrant) (*ent.UserGrant, error) {
	row, err := tx.UserGrant.Query().WithProject().Where(conditions...).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.GrantUnknown.With()
	}
	return row, err
}

// Update replaces the roles of a grant; they have been checked. It returns
// fault.NothingChanged.
func Update(ctx context.Context, tx *store.Tx, row *ent.UserGrant, roles []string) (store.Change, error) {
	if slices.Equal(row.RoleKeys, roles) {
		return store.Change{}, fault.NothingChanged.With()
	}
	if err := tx.UserGrant.UpdateOne(row).SetRoleKeys(roles).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserGrantChanged, store.UserGrantObject(row), store.Payload{Public: map[string]any{"roleKeys": roles}})
}

// Deactivate keeps a grant, but its roles do not count. It returns
// fault.GrantNotActive.
func Deactivate(ctx context.Context, tx *store.Tx, row *ent.UserGrant) (store.Change, error) {
	if row.State != usergrant.StateActive {
		return store.Change{}, fault.GrantNotActive.With()
	}
	if err := tx.UserGrant.UpdateOne(row).SetState(usergrant.StateInactive).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserGrantDeactivated, store.UserGrantObject(row), store.Payload{})
}

// Reactivate undoes Deactivate. It returns fault.GrantNotInactive.
func Reactivate(ctx context.Context, tx *store.Tx, row *ent.UserGrant) (store.Change, error) {
	if row.State != usergrant.StateInactive {
		return store.Change{}, fault.GrantNotInactive.With()
	}
	if err := tx.UserGrant.UpdateOne(row).SetState(usergrant.StateActive).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.UserGrantReactivated, store.UserGrantObject(row), store.Payload{})
}

// Remove removes a grant.
func Remove(ctx context.Context, tx *store.Tx, row *ent.UserGrant) (store.Change, error) {
	change, err := tx.Record(ctx, store.UserGrantRemoved, store.UserGrantObject(row), store.Payload{})
	if err != nil {
		return change, err
	}
	return change, tx.UserGrant.DeleteOne(row).Exec(ctx)
}

// RemoveOfProject removes all grants of a project that is being removed.
func RemoveOfProject(ctx context.Context, tx *store.Tx, of *ent.Project) error {
	rows, err := queryAll(tx).Where(usergrant.ProjectPk(of.ID)).All(ctx)
	if err != nil {
		return err
	}
	if err := tx.RecordAll(ctx, store.UserGrantCascadeRemoved, objects(rows), nil); err != nil {
		return err
	}
	// Also those of users whom no query shows any more: they point here as well.
	_, err = tx.UserGrant.Delete().Where(usergrant.ProjectPk(of.ID)).Exec(ctx)
	return err
}

// RemoveOfUser removes all grants of a user who is being removed.
func RemoveOfUser(ctx context.Context, tx *store.Tx, u *ent.User) error {
	rows, err := queryAll(tx).Where(usergrant.UserPk(u.ID)).All(ctx)
	if err != nil {
		return err
	}
	err = tx.RecordAll(ctx, store.UserGrantCascadeRemoved, objects(rows), func(int) map[string]any { return map[string]any{"userId": u.UserID} })
	if err != nil {
		return err
	}
	// Also those of projects that no query shows any more.
	_, err = tx.UserGrant.Delete().Where(usergrant.UserPk(u.ID)).Exec(ctx)
	return err
}

// TakeRole takes a role, which is being removed from a project that is locked,
// from all grants. One that has no other is removed.
func TakeRole(ctx context.Context, tx *store.Tx, of *ent.Project, key string) error {
	granted := usergrant.And(usergrant.ProjectPk(of.ID), WhereRole(store.TextEquals, key))
	rows, err := queryAll(tx).Where(granted).All(ctx)
	if err != nil {
		return err
	}
	var emptied, changed []*ent.UserGrant
	for _, row := range rows {
		row.RoleKeys = slices.DeleteFunc(row.RoleKeys, func(role string) bool { return role == key })
		if len(row.RoleKeys) == 0 {
			emptied = append(emptied, row)
		} else {
			changed = append(changed, row)
		}
	}
	if err := tx.RecordAll(ctx, store.UserGrantCascadeRemoved, objects(emptied), nil); err != nil {
		return err
	}
	err = tx.RecordAll(ctx, store.UserGrantCascadeChanged, objects(changed), func(i int) map[string]any {
		return map[string]any{"roleKeys": changed[i].RoleKeys}
	})
	if err != nil {
		return err
	}
	if _, err := tx.UserGrant.Delete().Where(granted, hasOneRole).Exec(ctx); err != nil {
		return err
	}
	return tx.UserGrant.Update().Where(granted).Modify(func(u *sql.UpdateBuilder) {
		u.Set(usergrant.FieldRoleKeys, store.Unlisted(usergrant.FieldRoleKeys, key))
	}).Exec(ctx)
}

// queryAll asks for what recording needs, of very many grants.
func queryAll(tx *store.Tx) *ent.UserGrantQuery {
	q := tx.UserGrant.Query().Order(usergrant.ByID())
	q.Select(usergrant.FieldGrantID, usergrant.FieldResourceOwner, usergrant.FieldRoleKeys)
	return q
}

func objects(rows []*ent.UserGrant) []store.Object {
	all := make([]store.Object, len(rows))
	for i, row := range rows {
		all[i] = store.UserGrantObject(row)
	}
	return all
}

// hasOneRole is the condition that a grant has a single role.
func hasOneRole(s *sql.Selector) { s.Where(sqljson.LenEQ(s.C(usergrant.FieldRoleKeys), 1)) }

// WhereRole returns the condition that the key of one of the roles matches.
func WhereRole(method store.TextMethod, needle string) predicate.UserGrant {
	return func(grants *sql.Selector) {
		roles := sql.Dialect(grants.Dialect()).Select().From(sql.Table(projectrole.Table).As("granted"))
		roles.Select(roles.C(projectrole.FieldID)).
			Where(sql.ColumnsEQ(roles.C(projectrole.FieldProjectPk), grants.C(usergrant.FieldProjectPk))).
			Where(store.Listed(grants.C(usergrant.FieldRoleKeys), roles.C(projectrole.FieldKey)))
		store.TextMatch(projectrole.FieldKey, projectrole.FieldKeyKey, method, needle)(roles)
		grants.Where(sql.Exists(roles))
	}
}

// WhereUser returns the condition that the grant is of the user with the id.
func WhereUser(id string) predicate.UserGrant { return usergrant.HasUserWith(user.UserID(id)) }
