package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// DeactivateUser takes a user out of service.
func (s Users) DeactivateUser(ctx context.Context, req *managementv1.DeactivateUserRequest) (*managementv1.DeactivateUserResponse, error) {
	details, err := s.step(ctx, req.GetId(), user.Deactivate)
	return &managementv1.DeactivateUserResponse{Details: details}, err
}

// ReactivateUser brings a deactivated user back.
func (s Users) ReactivateUser(ctx context.Context, req *managementv1.ReactivateUserRequest) (*managementv1.ReactivateUserResponse, error) {
	details, err := s.step(ctx, req.GetId(), user.Reactivate)
	return &managementv1.ReactivateUserResponse{Details: details}, err
}

// LockUser locks a user out.
func (s Users) LockUser(ctx context.Context, req *managementv1.LockUserRequest) (*managementv1.LockUserResponse, error) {
	details, err := s.step(ctx, req.GetId(), user.Lock)
	return &managementv1.LockUserResponse{Details: details}, err
}

// UnlockUser lets a locked user in again.
func (s Users) UnlockUser(ctx context.Context, req *managementv1.UnlockUserRequest) (*managementv1.UnlockUserResponse, error) {
	details, err := s.step(ctx, req.GetId(), user.Unlock)
	return &managementv1.UnlockUserResponse{Details: details}, err
}

// UpdateUserName gives a user another user name.
func (s Users) UpdateUserName(ctx context.Context, req *managementv1.UpdateUserNameRequest) (*managementv1.UpdateUserNameResponse, error) {
	details, err := s.change(ctx, req.GetUserId(), asUser(func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.Rename(ctx, tx, u, req.GetUserName())
	}))
	return &managementv1.UpdateUserNameResponse{Details: details}, err
}

// RemoveUser removes a user for good.
func (s Users) RemoveUser(ctx context.Context, req *managementv1.RemoveUserRequest) (*managementv1.RemoveUserResponse, error) {
	details, err := s.change(ctx, req.GetId(), membership.RemoveUser)
	return &managementv1.RemoveUserResponse{Details: details}, err
}

// step takes a step with a user whom the caller may act as, unless the user
// cannot be missed.
func (s Users) step(ctx context.Context, id string, step user.Step) (*zitadelv1.ObjectDetails, error) {
	return s.change(ctx, id, asUser(func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		if step.Ends() {
			if err := membership.KeepOwners(ctx, tx, u); err != nil {
				return store.Change{}, err
			}
		}
		return step.Take(ctx, tx, u)
	}))
}

// change runs f in a transaction with a user.
func (s Users) change(ctx context.Context, id string, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*zitadelv1.ObjectDetails, error) {
	return message.ChangedUser(user.Change(ctx, s.store, id, f))
}
