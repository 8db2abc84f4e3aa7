package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/projectrole"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// ProjectRoles are the calls about the roles of a project.
type ProjectRoles struct{ store *store.Store }

// AddProjectRole adds a role to a project.
func (s ProjectRoles) AddProjectRole(ctx context.Context, req *managementv1.AddProjectRoleRequest) (*managementv1.AddProjectRoleResponse, error) {
	role := project.Role{Key: req.GetRoleKey(), DisplayName: req.GetDisplayName(), Group: req.GetGroup()}
	details, err := s.add(ctx, req.GetProjectId(), role)
	return &managementv1.AddProjectRoleResponse{Details: details}, err
}

// BulkAddProjectRoles adds roles to a project, all or none.
func (s ProjectRoles) BulkAddProjectRoles(ctx context.Context, req *managementv1.BulkAddProjectRolesRequest) (*managementv1.BulkAddProjectRolesResponse, error) {
	roles := message.Each(req.GetRoles(), func(r *managementv1.BulkAddProjectRolesRequest_Role) project.Role {
		return project.Role{Key: r.GetKey(), DisplayName: r.GetDisplayName(), Group: r.GetGroup()}
	})
	if err := project.CheckRepeated(roles); err != nil {
		return nil, err
	}
	details, err := s.add(ctx, req.GetProjectId(), roles...)
	return &managementv1.BulkAddProjectRolesResponse{Details: details}, err
}

// ListProjectRoles returns the roles of a project that match all queries.
func (s ProjectRoles) ListProjectRoles(ctx context.Context, req *managementv1.ListProjectRolesRequest) (*managementv1.ListProjectRolesResponse, error) {
	in, err := project.Get(ctx, s.store.Read().Project, req.GetProjectId())
	if err != nil {
		return nil, err
	}
	q := s.store.Read().ProjectRole.Query().Where(projectrole.ProjectPk(in.ID)).Where(roleConditions(req.GetQueries())...)
	details, roles, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.ProjectRole, uint64, error) {
		return store.List(ctx, s.store, q, page, projectrole.ByCreatedAt, projectrole.ByID)
	}, func(row *ent.ProjectRole) *projectv1.Role { return roleToProto(row, in.ResourceOwner) })
	return &managementv1.ListProjectRolesResponse{Details: details, Result: roles}, err
}

// UpdateProjectRole replaces what is said of a role.
func (s ProjectRoles) UpdateProjectRole(ctx context.Context, req *managementv1.UpdateProjectRoleRequest) (*managementv1.UpdateProjectRoleResponse, error) {
	role := project.Role{Key: req.GetRoleKey(), DisplayName: req.GetDisplayName(), Group: req.GetGroup()}
	details, err := s.change(ctx, req.GetProjectId(), func(ctx context.Context, tx *store.Tx, in *ent.Project) (store.Change, *ent.ProjectRole, error) {
		return project.UpdateRole(ctx, tx, in, role)
	})
	return &managementv1.UpdateProjectRoleResponse{Details: details}, err
}

// RemoveProjectRole removes a role, also from those who are granted it.
func (s ProjectRoles) RemoveProjectRole(ctx context.Context, req *managementv1.RemoveProjectRoleRequest) (*managementv1.RemoveProjectRoleResponse, error) {
	details, err := s.change(ctx, req.GetProjectId(), func(ctx context.Context, tx *store.Tx, in *ent.Project) (store.Change, *ent.ProjectRole, error) {
		return project.RemoveRole(ctx, tx, in, req.GetRoleKey())
	})
	return &managementv1.RemoveProjectRoleResponse{Details: details}, err
}

func (s ProjectRoles) add(ctx context.Context, projectID string, roles ...project.Role) (*zitadelv1.ObjectDetails, error) {
	var change store.Change
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := project.Lock(ctx, tx, projectID)
		if err != nil {
			return err
		}
		change, err = project.AddRoles(ctx, tx, in, roles...)
		return err
	})
	return message.Created(change), err
}

// change runs f in a transaction with a project that is locked.
func (s ProjectRoles) change(ctx context.Context, projectID string, f func(context.Context, *store.Tx, *ent.Project) (store.Change, *ent.ProjectRole, error)) (details *zitadelv1.ObjectDetails, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := project.Lock(ctx, tx, projectID)
		if err != nil {
			return err
		}
		change, row, err := f(ctx, tx, in)
		if err == nil {
			details = message.Changed(change, row.CreatedAt)
		}
		return err
	})
	return details, err
}

func roleConditions(queries []*projectv1.RoleQuery) []predicate.ProjectRole {
	conditions := make([]predicate.ProjectRole, len(queries))
	for i, q := range queries {
		switch q := q.GetQuery().(type) {
		case *projectv1.RoleQuery_KeyQuery:
			conditions[i] = store.TextMatch(projectrole.FieldKey, projectrole.FieldKeyKey, message.TextMethod(q.KeyQuery.GetMethod()), q.KeyQuery.GetKey())
		case *projectv1.RoleQuery_DisplayNameQuery:
			conditions[i] = store.TextMatch(projectrole.FieldDisplayName, projectrole.FieldDisplayNameKey,
				message.TextMethod(q.DisplayNameQuery.GetMethod()), q.DisplayNameQuery.GetDisplayName())
		}
	}
	return conditions
}

func roleToProto(row *ent.ProjectRole, owner string) *projectv1.Role {
	return &projectv1.Role{
		Key:         row.Key,
		Details:     message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, owner),
		DisplayName: row.DisplayName,
		Group:       row.Group,
	}
}
