// Package project has projects, with their roles and applications.
package project

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/projectrole"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// OwnerOf returns the organization of a project, or fault.ProjectUnknown.
func OwnerOf(ctx context.Context, s *store.Store, id string) (string, error) {
	owner, err := s.Read().Project.Query().Where(project.ProjectID(id)).Select(project.FieldResourceOwner).String(ctx)
	if ent.IsNotFound(err) {
		err = fault.ProjectUnknown.With()
	}
	return owner, err
}

// Get returns the project of the instance of ctx, or fault.ProjectUnknown. It
// serves reads and transactions alike.
func Get(ctx context.Context, projects *ent.ProjectClient, id string) (*ent.Project, error) {
	row, err := projects.Query().Where(project.ProjectID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.ProjectUnknown.With()
	}
	return row, err
}

// Lock returns a project that nobody else changes, nor what belongs to it,
// until the transaction ends. It returns fault.NotFound when there is none.
func Lock(ctx context.Context, tx *store.Tx, id string) (*ent.Project, error) {
	row, err := Get(ctx, tx.Project, id)
	if err != nil {
		return nil, err
	}
	if err := tx.Lock(ctx, store.ProjectObject(row)); err != nil {
		return nil, err
	}
	return Get(ctx, tx.Project, id) // as whoever had the lock before left it
}

// CheckActive returns fault.ProjectNotActive for a project that nothing can be
// added to.
func CheckActive(row *ent.Project) error {
	if row.State != project.StateActive {
		return fault.ProjectNotActive.With()
	}
	return nil
}

// Settings are what an administrator decides on a project.
type Settings struct {
	Name                   string
	RoleAssertion          bool
	RoleCheck              bool
	HasProjectCheck        bool
	PrivateLabelingSetting int32
}

// Add adds a project to an organization, in a transaction that has locked
// nothing yet. It returns fault.ProjectNameTaken, or fault.UserIDTaken when a
// user has brought the id, or once did: tokens of the user would be good in the
// project.
func Add(ctx context.Context, tx *store.Tx, in *ent.Organization, id string, s Settings) (store.Change, error) {
	if err := tx.Hold(ctx, store.Subjects); err != nil {
		return store.Change{}, err
	}
	if err := user.CheckUnused(ctx, tx, id); err != nil {
		return store.Change{}, err
	}
	row, err := tx.Project.Create().
		SetProjectID(id).SetOrganization(in).SetResourceOwner(in.OrganizationID).
		SetName(store.Text(s.Name)).SetNameKey(store.Key(s.Name)).
		SetRoleAssertion(s.RoleAssertion).SetRoleCheck(s.RoleCheck).SetHasProjectCheck(s.HasProjectCheck).
		SetPrivateLabelingSetting(s.PrivateLabelingSetting).
		Save(ctx)
	if err != nil {
		return store.Change{}, nameTaken(err)
	}
	return tx.Record(ctx, store.ProjectAdded, store.ProjectObject(row), s.payload())
}

// Update replaces the settings of a project. It returns fault.NothingChanged or
// fault.ProjectNameTaken.
func Update(ctx context.Context, tx *store.Tx, row *ent.Project, s Settings) (store.Change, error) {
	s.Name = store.Text(s.Name)
	if s == settingsOf(row) {
		return store.Change{}, fault.NothingChanged.With()
	}
	err := tx.Project.UpdateOne(row).
		SetName(s.Name).SetNameKey(store.Key(s.Name)).
		SetRoleAssertion(s.RoleAssertion).SetRoleCheck(s.RoleCheck).SetHasProjectCheck(s.HasProjectCheck).
		SetPrivateLabelingSetting(s.PrivateLabelingSetting).
		Exec(ctx)
	if err != nil {
		return store.Change{}, nameTaken(err)
	}
	return tx.Record(ctx, store.ProjectChanged, store.ProjectObject(row), s.payload())
}

// Deactivate keeps the project but lets nobody use it. It returns
// fault.ProjectNotActive.
func Deactivate(ctx context.Context, tx *store.Tx, row *ent.Project) (store.Change, error) {
	if err := CheckActive(row); err != nil {
		return store.Change{}, err
	}
	if err := tx.Project.UpdateOne(row).SetState(project.StateInactive).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.ProjectDeactivated, store.ProjectObject(row), store.Payload{})
}

// Reactivate undoes Deactivate. It returns fault.ProjectNotInactive.
func Reactivate(ctx context.Context, tx *store.Tx, row *ent.Project) (store.Change, error) {
	if row.State != project.StateInactive {
		return store.Change{}, fault.ProjectNotInactive.With()
	}
	if err := tx.Project.UpdateOne(row).SetState(project.StateActive).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.ProjectReactivated, store.ProjectObject(row), store.Payload{})
}

// Remove removes a project with all that belongs to it: roles, applications
// with their keys and access tokens, and user grants. It returns fault.NotFound when the project
// is gone.
func Remove(ctx context.Context, tx *store.Tx, row *ent.Project) (store.Change, error) {
	object := store.ProjectObject(row)
	if err := tx.LockToRemove(ctx, object); err != nil {
		return store.Change{}, err
	}
	change, err := tx.Record(ctx, store.ProjectRemoved, object, store.Payload{})
	if err != nil {
		return change, err
	}
	if err := grant.RemoveOfProject(ctx, tx, row); err != nil {
		return change, err
	}
	if err := application.RemoveOf(ctx, tx, row); err != nil {
		return change, err
	}
	if _, err := tx.ProjectRole.Delete().Where(projectrole.ProjectPk(row.ID)).Exec(ctx); err != nil {
		return change, err
	}
	return change, tx.Project.DeleteOne(row).Exec(ctx)
}

func settingsOf(row *ent.Project) Settings {
	return Settings{
		Name: row.Name, RoleAssertion: row.RoleAssertion, RoleCheck: row.RoleCheck, HasProjectCheck: row.HasProjectCheck,
		PrivateLabelingSetting: row.PrivateLabelingSetting,
	}
}

func (s Settings) payload() store.Payload {
	return store.Payload{Public: map[string]any{
		"name": store.Text(s.Name), "projectRoleAssertion": s.RoleAssertion, "projectRoleCheck": s.RoleCheck,
		"hasProjectCheck": s.HasProjectCheck, "privateLabelingSetting": s.PrivateLabelingSetting,
	}}
}

func nameTaken(err error) error {
	if store.TakenColumn(err) == project.FieldNameKey {
		err = fault.ProjectNameTaken.With().Because(err)
	}
	return err
}
