package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Users are the calls about the calling user.
type Users struct {
	store *store.Store
	users *user.Users
}

// GetMyUser returns the calling user.
func (s Users) GetMyUser(ctx context.Context, _ *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	me := caller.From(ctx)
	if me.Kind != caller.User {
		return nil, fault.UserUnknown.With()
	}
	row, err := user.Get(ctx, s.store.Read().User, me.ID)
	if err != nil {
		return nil, err
	}
	names, err := user.LoginNamesOf(ctx, s.store, row)
	if err != nil {
		return nil, err
	}
	return &authv1.GetMyUserResponse{User: message.User(row, names[0])}, nil
}
