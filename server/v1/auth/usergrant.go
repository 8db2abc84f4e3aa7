package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// UserGrants are the calls about the roles of projects that the calling user is granted.
type UserGrants struct{ store *store.Store }

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
