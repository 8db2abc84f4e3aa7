package management

import (
	"cmp"
	"context"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Machines are the calls about machine users of the chosen organization.
type Machines struct {
	store *store.Store
	users *user.Users
}

// AddMachineUser adds a machine user to the chosen organization.
func (s Machines) AddMachineUser(ctx context.Context, req *managementv1.AddMachineUserRequest) (*managementv1.AddMachineUserResponse, error) {
	id, change, err := add(ctx, s.store, s.users, user.New{
		ID:       req.GetUserId(),
		UserName: req.GetUserName(),
		Machine:  machineOf(req),
	}, user.Paths{})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddMachineUserResponse{UserId: id, Details: message.Created(change)}, nil
}

// GenerateMachineSecret gives a machine user a secret, in place of the one it
// had.
func (s Machines) GenerateMachineSecret(ctx context.Context, req *managementv1.GenerateMachineSecretRequest) (*managementv1.GenerateMachineSecretResponse, error) {
	secret := token.NewMachineSecret()
	u, change, err := onMachine(ctx, s.store, req.GetUserId(), secret.Save)
	if err != nil {
		return nil, err
	}
	names, err := user.LoginNamesOf(ctx, s.store, u)
	if err != nil {
		return nil, err
	}
	return &managementv1.GenerateMachineSecretResponse{
		ClientId:     cmp.Or(names[0].Preferred, u.UserName),
		ClientSecret: secret.Secret,
		Details:      message.Changed(change, u.CreatedAt),
	}, nil
}

// UpdateMachine replaces what is known of a machine user.
func (s Machines) UpdateMachine(ctx context.Context, req *managementv1.UpdateMachineRequest) (*managementv1.UpdateMachineResponse, error) {
	u, change, err := onMachine(ctx, s.store, req.GetUserId(), func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateMachine(ctx, tx, u, *machineOf(req))
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.UpdateMachineResponse{Details: message.Changed(change, u.CreatedAt)}, nil
}

// RemoveMachineSecret takes the secret from a machine user.
func (s Machines) RemoveMachineSecret(ctx context.Context, req *managementv1.RemoveMachineSecretRequest) (*managementv1.RemoveMachineSecretResponse, error) {
	u, change, err := onMachine(ctx, s.store, req.GetUserId(), token.RemoveMachineSecret)
	if err != nil {
		return nil, err
	}
	return &managementv1.RemoveMachineSecretResponse{Details: message.Changed(change, u.CreatedAt)}, nil
}

// machineOf returns what a request says of a machine user.
func machineOf(req interface {
	GetName() string
	GetDescription() string
	GetAccessTokenType() userv1.AccessTokenType
}) *user.Machine {
	return &user.Machine{Name: req.GetName(), Description: req.GetDescription(), AccessTokenType: int32(req.GetAccessTokenType())}
}

// onMachine changes a user, who must be a machine that the caller may act as,
// and returns it as it was.
func onMachine(ctx context.Context, s *store.Store, userID string, f changeOf) (u *ent.User, change store.Change, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if u, err = user.LockMachine(ctx, tx, userID); err != nil {
			return err
		}
		change, err = asUser(f)(ctx, tx, u)
		return err
	})
	return u, change, err
}
