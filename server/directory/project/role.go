package project

import (
	"context"
	"fmt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/projectrole"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Role is what users can be granted in a project.
type Role struct {
	Key         string
	DisplayName string
	Group       string
}

// CheckRepeated returns fault.ProjectRoleRepeated, for the request field
// "roles", if a key is there twice.
func CheckRepeated(roles []Role) error {
	seen := make(map[string]bool, len(roles))
	for i, role := range roles {
		key := store.Text(role.Key)
		if seen[key] {
			return fault.ProjectRoleRepeated.Field(fmt.Sprintf("roles[%d].key", i), key)
		}
		seen[key] = true
	}
	return nil
}

// AddRoles adds roles to a project that is locked. It returns the last change,
// and fault.ProjectNotActive, fault.ProjectRoleExists, or fault.NothingChanged
// for no roles.
func AddRoles(ctx context.Context, tx *store.Tx, in *ent.Project, roles ...Role) (change store.Change, err error) {
	if len(roles) == 0 {
		return change, fault.NothingChanged.With()
	}
	if err := CheckActive(in); err != nil {
		return change, err
	}
	for _, role := range roles {
		key := store.Text(role.Key)
		change, err = tx.Record(ctx, store.ProjectRoleAdded, store.ProjectObject(in), store.Payload{Public: map[string]any{
			"key": key, "displayName": store.Text(role.DisplayName), "group": store.Text(role.Group),
		}})
		if err != nil {
			return change, err
		}
		err = tx.ProjectRole.Create().
			SetProject(in).
			SetKey(key).SetKeyKey(store.Key(key)).
			SetDisplayName(store.Text(role.DisplayName)).SetDisplayNameKey(store.Key(role.DisplayName)).
			SetGroup(store.Text(role.Group)).
			SetSequence(change.Sequence).
			Exec(ctx)
		if store.TakenColumn(err) == projectrole.FieldKey {
			err = fault.ProjectRoleExists.With(key).Because(err)
		}
		if err != nil {
			return change, err
		}
	}
	return change, nil
}

// UpdateRole replaces what is said of the role with the key, of a project that
// is locked. It returns fault.ProjectRoleUnknown or fault.NothingChanged.
func UpdateRole(ctx context.Context, tx *store.Tx, in *ent.Project, role Role) (store.Change, *ent.ProjectRole, error) {
	row, err := getRole(ctx, tx, in, role.Key)
	if err != nil {
		return store.Change{}, nil, err
	}
	display, group := store.Text(role.DisplayName), store.Text(role.Group)
	if row.DisplayName == display && row.Group == group {
		return store.Change{}, nil, fault.NothingChanged.With()
	}
	change, err := tx.Record(ctx, store.ProjectRoleChanged, store.ProjectObject(in), store.Payload{Public: map[string]any{
		"key": row.Key, "displayName": display, "group": group,
	}})
	if err != nil {
		return change, nil, err
	}
	return change, row, tx.ProjectRole.UpdateOne(row).
		SetDisplayName(display).SetDisplayNameKey(store.Key(display)).SetGroup(group).
		SetSequence(change.Sequence).
		Exec(ctx)
}

// RemoveRole removes a role of a project that is locked, and takes it from the
// users who are granted it. It returns fault.ProjectRoleUnknown.
func RemoveRole(ctx context.Context, tx *store.Tx, in *ent.Project, key string) (store.Change, *ent.ProjectRole, error) {
	row, err := getRole(ctx, tx, in, key)
	if err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.ProjectRoleRemoved, store.ProjectObject(in), store.Payload{Public: map[string]any{"key": row.Key}})
	if err != nil {
		return change, nil, err
	}
	if err := grant.TakeRole(ctx, tx, in, row.Key); err != nil {
		return change, nil, err
	}
	return change, row, tx.ProjectRole.DeleteOne(row).Exec(ctx)
}

func getRole(ctx context.Context, tx *store.Tx, in *ent.Project, key string) (*ent.ProjectRole, error) {
	key = store.Text(key)
	row, err := tx.ProjectRole.Query().Where(projectrole.ProjectPk(in.ID), projectrole.Key(key)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.ProjectRoleUnknown.With(key)
	}
	return row, err
}
