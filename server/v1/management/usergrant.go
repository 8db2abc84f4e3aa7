package management

import (
	"context"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/usergrant"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// UserGrants are the calls about the roles of projects that users are granted.
type UserGrants struct{ store *store.Store }

// AddUserGrant grants a user roles of a project of the chosen organization.
func (s UserGrants) AddUserGrant(ctx context.Context, req *managementv1.AddUserGrantRequest) (*managementv1.AddUserGrantResponse, error) {
	id, err := s.store.NewID()
	if err != nil {
		return nil, err
	}
	var change store.Change
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := user.Get(ctx, tx.User, req.GetUserId())
		if err != nil {
			return err
		}
		of, err := lockProjectToGrant(ctx, tx, req.GetProjectId())
		if err != nil {
			return err
		}
		roles, err := grant.CheckRoles(ctx, tx, of, req.GetRoleKeys())
		if err != nil {
			return err
		}
		change, err = grant.Add(ctx, tx, id, of, u, roles)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddUserGrantResponse{UserGrantId: id, Details: message.Created(change)}, nil
}

// GetUserGrantByID returns what a user is granted in a project.
func (s UserGrants) GetUserGrantByID(ctx context.Context, req *managementv1.GetUserGrantByIDRequest) (*managementv1.GetUserGrantByIDResponse, error) {
	row, err := grant.Get(ctx, s.store, grant.Of(caller.OrganizationID(ctx), req.GetGrantId()), grant.WhereUser(req.GetUserId()))
	if err != nil {
		return nil, err
	}
	return &managementv1.GetUserGrantByIDResponse{UserGrant: message.UserGrant(row)}, nil
}

// ListUserGrants returns the user grants of the chosen organization that match
// all queries.
func (s UserGrants) ListUserGrants(ctx context.Context, req *managementv1.ListUserGrantRequest) (*managementv1.ListUserGrantResponse, error) {
	conditions := append(message.Each(req.GetQueries(), userGrantCondition), usergrant.ResourceOwner(caller.OrganizationID(ctx)))
	details, grants, err := message.List(ctx, s.store, req, func(page store.Page) ([]grant.Grant, uint64, error) {
		return grant.List(ctx, s.store, page, conditions...)
	}, message.UserGrant)
	return &managementv1.ListUserGrantResponse{Details: details, Result: grants}, err
}

// UpdateUserGrant replaces the roles that a user is granted.
func (s UserGrants) UpdateUserGrant(ctx context.Context, req *managementv1.UpdateUserGrantRequest) (*managementv1.UpdateUserGrantResponse, error) {
	details, err := s.change(ctx, req, func(ctx context.Context, tx *store.Tx, row *ent.UserGrant) (store.Change, error) {
		roles, err := grant.CheckRoles(ctx, tx, row.Edges.Project, req.GetRoleKeys())
		if err != nil {
			return store.Change{}, err
		}
		return grant.Update(ctx, tx, row, roles)
	})
	return &managementv1.UpdateUserGrantResponse{Details: details}, err
}

// DeactivateUserGrant keeps a grant whose roles do not count.
func (s UserGrants) DeactivateUserGrant(ctx context.Context, req *managementv1.DeactivateUserGrantRequest) (*managementv1.DeactivateUserGrantResponse, error) {
	details, err := s.change(ctx, req, grant.Deactivate)
	return &managementv1.DeactivateUserGrantResponse{Details: details}, err
}

// ReactivateUserGrant undoes DeactivateUserGrant.
func (s UserGrants) ReactivateUserGrant(ctx context.Context, req *managementv1.ReactivateUserGrantRequest) (*managementv1.ReactivateUserGrantResponse, error) {
	details, err := s.change(ctx, req, grant.Reactivate)
	return &managementv1.ReactivateUserGrantResponse{Details: details}, err
}

// RemoveUserGrant removes a grant.
func (s UserGrants) RemoveUserGrant(ctx context.Context, req *managementv1.RemoveUserGrantRequest) (*managementv1.RemoveUserGrantResponse, error) {
	details, err := s.change(ctx, req, grant.Remove)
	return &managementv1.RemoveUserGrantResponse{Details: details}, err
}

// BulkRemoveUserGrant removes grants, all or none.
func (s UserGrants) BulkRemoveUserGrant(ctx context.Context, req *managementv1.BulkRemoveUserGrantRequest) (*managementv1.BulkRemoveUserGrantResponse, error) {
	ids := slices.Clone(req.GetGrantId())
	slices.Sort(ids) // in the same order for all callers: they wait for each other in it
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil, fault.NothingChanged.With()
	}
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range ids {
			row, err := grant.Lock(ctx, tx, grant.Of(caller.OrganizationID(ctx), id))
			if err != nil {
				return err
			}
			if _, err := grant.Remove(ctx, tx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.BulkRemoveUserGrantResponse{}, nil
}

// change runs f in a transaction with the grant of the request, which is locked
// together with its project.
func (s UserGrants) change(ctx context.Context, req interface {
	GetUserId() string
	GetGrantId() string
}, f func(context.Context, *store.Tx, *ent.UserGrant) (store.Change, error),
) (details *zitadelv1.ObjectDetails, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := grant.Lock(ctx, tx, grant.Of(caller.OrganizationID(ctx), req.GetGrantId()), grant.WhereUser(req.GetUserId()))
		if err != nil {
			return err
		}
		change, err := f(ctx, tx, row)
		details = message.Changed(change, row.CreatedAt)
		return err
	})
	return details, err
}

// lockProjectToGrant returns an active project of the chosen organization.
func lockProjectToGrant(ctx context.Context, tx *store.Tx, id string) (*ent.Project, error) {
	of, err := project.Lock(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if of.ResourceOwner != caller.OrganizationID(ctx) {
		return nil, fault.ProjectUnknown.With()
	}
	return of, project.CheckActive(of)
}
