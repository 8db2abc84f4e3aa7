package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Changes are the calls about the history of the calling user.
type Changes struct{ store *store.Store }

// ListMyUserChanges returns what happened to the calling user.
func (s Changes) ListMyUserChanges(ctx context.Context, req *authv1.ListMyUserChangesRequest) (*authv1.ListMyUserChangesResponse, error) {
	changes, err := message.Changes(ctx, s.store, store.UserType, caller.From(ctx).ID, req.GetQuery())
	return &authv1.ListMyUserChangesResponse{Result: changes}, err
}
