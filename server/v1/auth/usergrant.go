package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// UserGrants are the calls about the roles of projects that the calling user is granted.
type UserGrants struct{ store *store.Store }

// ListMyUserGrants returns what the calling user is granted in the projects of
// all organizations.
func (s UserGrants) ListMyUserGrants(ctx context.Context, req *authv1.ListMyUserGrantsRequest) (*authv1.ListMyUserGrantsResponse, error) {
	me := caller.From(ctx)
	if me.Kind != caller.User {
		return nil, fault.UserUnknown.With()
	}
	details, err := message.ListDetails(ctx, s.store)
	if err != nil {
		return nil, err
	}
	rows, total, err := grant.List(ctx, s.store, message.Page(req.GetQuery()), grant.WhereUser(me.ID))
	if err != nil {
		return nil, err
	}
	details.TotalResult = total
	grants := make([]*authv1.UserGrant, len(rows))
	for i, row := range rows {
		grants[i] = message.MyUserGrant(row)
	}
	return &authv1.ListMyUserGrantsResponse{Details: details, Result: grants}, nil
}

// ListMyProjectPermissions returns the roles that the calling user is granted
// in projects.
func (s UserGrants) ListMyProjectPermissions(ctx context.Context, _ *authv1.ListMyProjectPermissionsRequest) (*authv1.ListMyProjectPermissionsResponse, error) {
	me := caller.From(ctx)
	if me.Kind != caller.User {
		return nil, fault.UserUnknown.With()
	}
	roles, err := grant.Roles(ctx, s.store, me.ID)
	return &authv1.ListMyProjectPermissionsResponse{Result: roles}, err
}

// ListMyProjectOrgs returns the organizations in which the calling user can
// work: those that it is a member of. Tokens are good for one project alone,
// the API itself.
func (s UserGrants) ListMyProjectOrgs(ctx context.Context, req *authv1.ListMyProjectOrgsRequest) (*authv1.ListMyProjectOrgsResponse, error) {
	me := caller.From(ctx)
	if me.Kind != caller.User {
		return nil, fault.UserUnknown.With()
	}
	mine, err := membership.WhereMember(ctx, s.store, me.ID)
	if err != nil {
		return nil, err
	}
	details, organizations, err := message.Organizations(ctx, s.store, req, mine)
	return &authv1.ListMyProjectOrgsResponse{Details: details, Result: organizations}, err
}
