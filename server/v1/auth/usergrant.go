package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// UserGrants are the calls about the roles of projects that the calling user is granted.
type UserGrants struct{ store *store.Store }

// ListMyUserGrants returns what the calling user is granted in the projects of
// all organizations.
func (s UserGrants) ListMyUserGrants(ctx context.Context, req *authv1.ListMyUserGrantsRequest) (*authv1.ListMyUserGrantsResponse, error) {
	details, grants, err := message.List(ctx, s.store, req, func(page store.Page) ([]grant.Grant, uint64, error) {
		return grant.List(ctx, s.store, page, grant.WhereUser(caller.From(ctx).ID))
	}, message.MyUserGrant)
	return &authv1.ListMyUserGrantsResponse{Details: details, Result: grants}, err
}

// ListMyProjectPermissions returns the roles that the calling user is granted
// in projects.
func (s UserGrants) ListMyProjectPermissions(ctx context.Context, _ *authv1.ListMyProjectPermissionsRequest) (*authv1.ListMyProjectPermissionsResponse, error) {
	roles, err := grant.Roles(ctx, s.store, caller.From(ctx).ID)
	return &authv1.ListMyProjectPermissionsResponse{Result: roles}, err
}

// ListMyProjectOrgs returns the organizations in which the calling user can
// work: those that it is a member of. Tokens are good for one project alone,
// the API itself.
func (s UserGrants) ListMyProjectOrgs(ctx context.Context, req *authv1.ListMyProjectOrgsRequest) (*authv1.ListMyProjectOrgsResponse, error) {
	mine, err := membership.WhereMember(ctx, s.store, caller.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	details, organizations, err := message.Organizations(ctx, s.store, req, mine)
	return &authv1.ListMyProjectOrgsResponse{Details: details, Result: organizations}, err
}
