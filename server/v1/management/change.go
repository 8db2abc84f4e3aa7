package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Changes are the calls about the history of users and of the chosen organization.
type Changes struct{ store *store.Store }

// ListUserChanges returns what happened to a user.
func (s Changes) ListUserChanges(ctx context.Context, req *managementv1.ListUserChangesRequest) (*managementv1.ListUserChangesResponse, error) {
	changes, err := message.Changes(ctx, s.store, store.UserType, req.GetUserId(), req.GetQuery())
	return &managementv1.ListUserChangesResponse{Result: changes}, err
}

// ListOrgChanges returns what happened to the chosen organization.
func (s Changes) ListOrgChanges(ctx context.Context, req *managementv1.ListOrgChangesRequest) (*managementv1.ListOrgChangesResponse, error) {
	changes, err := message.Changes(ctx, s.store, store.OrganizationType, caller.OrganizationID(ctx), req.GetQuery())
	return &managementv1.ListOrgChangesResponse{Result: changes}, err
}
