package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Permissions are the calls about what the calling user may do.
type Permissions struct{ store *store.Store }

// ListMyZitadelPermissions returns what the calling user may do in its own
// organization and in the instance.
func (s Permissions) ListMyZitadelPermissions(ctx context.Context, _ *authv1.ListMyZitadelPermissionsRequest) (*authv1.ListMyZitadelPermissionsResponse, error) {
	roles, err := membership.RolesIn(ctx, s.store, caller.From(ctx).ID, caller.OrganizationID(ctx))
	return &authv1.ListMyZitadelPermissionsResponse{Result: permission.Granted(roles)}, err
}

// ListMyMemberships returns what the calling user is a member of.
func (s Permissions) ListMyMemberships(ctx context.Context, req *authv1.ListMyMembershipsRequest) (*authv1.ListMyMembershipsResponse, error) {
	details, memberships, err := message.Memberships(ctx, s.store, caller.From(ctx).ID, req)
	return &authv1.ListMyMembershipsResponse{Details: details, Result: memberships}, err
}
