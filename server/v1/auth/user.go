package auth

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
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
	row, err := me(ctx, s.store.Read().User)
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

// me returns the calling user, or fault.UserUnknown for a system user.
func me(ctx context.Context, users *ent.UserClient) (*ent.User, error) {
	c := caller.From(ctx)
	if c.Kind != caller.User {
		return nil, fault.UserUnknown.With()
	}
	return user.Get(ctx, users, c.ID)
}

// change runs f in a transaction with the calling user.
func (s Users) change(ctx context.Context, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*zitadelv1.ObjectDetails, error) {
	var change store.Change
	var row *ent.User
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if row, err = me(ctx, tx.User); err != nil {
			return err
		}
		change, err = f(ctx, tx, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return message.Changed(change, row.CreatedAt), nil
}
