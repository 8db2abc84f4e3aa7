package auth

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/user"
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
	row, err := user.Get(ctx, s.store.Read().User, caller.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	u, err := message.NamedUser(ctx, s.store, row)
	return &authv1.GetMyUserResponse{User: u}, err
}

// UpdateMyUserName gives the calling user another user name.
func (s Users) UpdateMyUserName(ctx context.Context, req *authv1.UpdateMyUserNameRequest) (*authv1.UpdateMyUserNameResponse, error) {
	details, err := s.change(ctx, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.Rename(ctx, tx, u, req.GetUserName())
	})
	return &authv1.UpdateMyUserNameResponse{Details: details}, err
}

// RemoveMyUser removes the calling user for good.
func (s Users) RemoveMyUser(ctx context.Context, _ *authv1.RemoveMyUserRequest) (*authv1.RemoveMyUserResponse, error) {
	details, err := s.change(ctx, membership.RemoveUser)
	return &authv1.RemoveMyUserResponse{Details: details}, err
}

// change runs f in a transaction with the calling user.
func (s Users) change(ctx context.Context, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*zitadelv1.ObjectDetails, error) {
	return message.ChangedUser(user.Change(ctx, s.store, caller.From(ctx).ID, f))
}
