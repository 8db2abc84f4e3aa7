package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	entproject "github.com/bastide-id/bastide/ent/project"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Projects are the calls about projects of the chosen organization.
type Projects struct{ store *store.Store }

// AddProject adds a project to the chosen organization.
func (s Projects) AddProject(ctx context.Context, req *managementv1.AddProjectRequest) (*managementv1.AddProjectResponse, error) {
	id, err := s.store.NewID()
	if err != nil {
		return nil, err
	}
	var change store.Change
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := organization.Get(ctx, tx.Organization, caller.OrganizationID(ctx))
		if err != nil {
			return err
		}
		change, err = project.Add(ctx, tx, in, id, projectSettings(req))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddProjectResponse{Id: id, Details: message.Created(change)}, nil
}

// GetProjectByID returns a project.
func (s Projects) GetProjectByID(ctx context.Context, req *managementv1.GetProjectByIDRequest) (*managementv1.GetProjectByIDResponse, error) {
	row, err := project.Get(ctx, s.store.Read().Project, req.GetId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetProjectByIDResponse{Project: projectToProto(row)}, nil
}

// ListProjects returns the projects of the chosen organization that match all
// queries.
func (s Projects) ListProjects(ctx context.Context, req *managementv1.ListProjectsRequest) (*managementv1.ListProjectsResponse, error) {
	q := s.store.Read().Project.Query().
		Where(entproject.ResourceOwner(caller.OrganizationID(ctx))).
		Where(projectConditions(req.GetQueries())...)
	details, projects, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.Project, uint64, error) {
		return store.List(ctx, s.store, q, page, entproject.ByCreatedAt, entproject.ByID)
	}, projectToProto)
	return &managementv1.ListProjectsResponse{Details: details, Result: projects}, err
}

// UpdateProject replaces the settings of a project.
func (s Projects) UpdateProject(ctx context.Context, req *managementv1.UpdateProjectRequest) (*managementv1.UpdateProjectResponse, error) {
	details, err := s.change(ctx, req.GetId(), func(ctx context.Context, tx *store.Tx, row *ent.Project) (store.Change, error) {
		return project.Update(ctx, tx, row, projectSettings(req))
	})
	return &managementv1.UpdateProjectResponse{Details: details}, err
}

// DeactivateProject keeps a project that nobody can use.
func (s Projects) DeactivateProject(ctx context.Context, req *managementv1.DeactivateProjectRequest) (*managementv1.DeactivateProjectResponse, error) {
	details, err := s.change(ctx, req.GetId(), project.Deactivate)
	return &managementv1.DeactivateProjectResponse{Details: details}, err
}

// ReactivateProject undoes DeactivateProject.
func (s Projects) ReactivateProject(ctx context.Context, req *managementv1.ReactivateProjectRequest) (*managementv1.ReactivateProjectResponse, error) {
	details, err := s.change(ctx, req.GetId(), project.Reactivate)
	return &managementv1.ReactivateProjectResponse{Details: details}, err
}

// RemoveProject removes a project with all that belongs to it.
func (s Projects) RemoveProject(ctx context.Context, req *managementv1.RemoveProjectRequest) (*managementv1.RemoveProjectResponse, error) {
	var change store.Change
	var row *ent.Project
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if row, err = project.Get(ctx, tx.Project, req.GetId()); err != nil {
			return err
		}
		change, err = project.Remove(ctx, tx, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.RemoveProjectResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// change runs f in a transaction with a project that is locked.
func (s Projects) change(ctx context.Context, id string, f func(context.Context, *store.Tx, *ent.Project) (store.Change, error)) (details *zitadelv1.ObjectDetails, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := project.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		change, err := f(ctx, tx, row)
		details = message.Changed(change, row.CreatedAt)
		return err
	})
	return details, err
}

func projectSettings(req interface {
	GetName() string
	GetProjectRoleAssertion() bool
	GetProjectRoleCheck() bool
	GetHasProjectCheck() bool
	GetPrivateLabelingSetting() projectv1.PrivateLabelingSetting
},
) project.Settings {
	return project.Settings{
		Name:                   req.GetName(),
		RoleAssertion:          req.GetProjectRoleAssertion(),
		RoleCheck:              req.GetProjectRoleCheck(),
		HasProjectCheck:        req.GetHasProjectCheck(),
		PrivateLabelingSetting: int32(req.GetPrivateLabelingSetting()),
	}
}

func projectConditions(queries []*projectv1.ProjectQuery) []predicate.Project {
	conditions := make([]predicate.Project, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *projectv1.ProjectQuery_NameQuery:
			conditions[i] = store.TextMatch(entproject.FieldName, entproject.FieldNameKey, message.TextMethod(q.NameQuery.GetMethod()), q.NameQuery.GetName())
		case *projectv1.ProjectQuery_ProjectResourceOwnerQuery:
			conditions[i] = entproject.ResourceOwner(q.ProjectResourceOwnerQuery.GetResourceOwner())
		}
	}
	return conditions
}

var projectStates = map[entproject.State]projectv1.ProjectState{
	entproject.StateActive:   projectv1.ProjectState_PROJECT_STATE_ACTIVE,
	entproject.StateInactive: projectv1.ProjectState_PROJECT_STATE_INACTIVE,
}

func projectToProto(row *ent.Project) *projectv1.Project {
	return &projectv1.Project{
		Id:                     row.ProjectID,
		Details:                message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.ResourceOwner),
		Name:                   row.Name,
		State:                  projectStates[row.State],
		ProjectRoleAssertion:   row.RoleAssertion,
		ProjectRoleCheck:       row.RoleCheck,
		HasProjectCheck:        row.HasProjectCheck,
		PrivateLabelingSetting: projectv1.PrivateLabelingSetting(row.PrivateLabelingSetting),
	}
}
