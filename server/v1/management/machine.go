package management

import (
	"context"
	"crypto/rsa"

	"github.com/bastide-id/bastide/ent"
	entuser "github.com/bastide-id/bastide/ent/user"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Machines are the calls about machine users of the chosen organization.
type Machines struct {
	store  *store.Store
	users  *user.Users
	tokens *token.Tokens
}

// AddMachineUser adds a machine user to the chosen organization.
func (s Machines) AddMachineUser(ctx context.Context, req *managementv1.AddMachineUserRequest) (*managementv1.AddMachineUserResponse, error) {
	id, change, err := add(ctx, s.store, s.users, user.New{
		ID:       req.GetUserId(),
		UserName: req.GetUserName(),
		Machine: &user.Machine{
			Name:            req.GetName(),
			Description:     req.GetDescription(),
			AccessTokenType: int32(req.GetAccessTokenType()),
		},
	}, user.Paths{})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddMachineUserResponse{UserId: id, Details: message.Created(change)}, nil
}

// AddMachineKey gives a machine user a key.
func (s Machines) AddMachineKey(ctx context.Context, req *managementv1.AddMachineKeyRequest) (*managementv1.AddMachineKeyResponse, error) {
	var public *rsa.PublicKey
	if len(req.GetPublicKey()) > 0 {
		var err error
		if public, err = token.ParsePublicKey(req.GetPublicKey()); err != nil {
			return nil, err
		}
	}
	key, err := s.tokens.NewMachineKey(ctx, message.Expiry(req.GetExpirationDate()), public)
	if err != nil {
		return nil, err
	}
	change, err := s.give(ctx, req.GetUserId(), key.Save)
	if err != nil {
		return nil, err
	}
	return &managementv1.AddMachineKeyResponse{KeyId: key.ID, KeyDetails: key.File(req.GetUserId()), Details: message.Created(change)}, nil
}

// AddPersonalAccessToken gives a machine user a token.
func (s Machines) AddPersonalAccessToken(ctx context.Context, req *managementv1.AddPersonalAccessTokenRequest) (*managementv1.AddPersonalAccessTokenResponse, error) {
	pat, err := s.tokens.NewPersonalAccessToken(message.Expiry(req.GetExpirationDate()))
	if err != nil {
		return nil, err
	}
	change, err := s.give(ctx, req.GetUserId(), pat.Save)
	if err != nil {
		return nil, err
	}
	return &managementv1.AddPersonalAccessTokenResponse{TokenId: pat.ID, Token: pat.Token, Details: message.Created(change)}, nil
}

// give saves a credential for a user, who must be a machine and have no role
// that the caller could not give.
func (s Machines) give(ctx context.Context, userID string, save func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (change store.Change, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := user.Get(ctx, tx.User, userID)
		if err != nil {
			return err
		}
		if u.Type != entuser.TypeMachine {
			return fault.UserNotMachine.With()
		}
		if err := membership.CheckMayActAs(ctx, tx, u); err != nil {
			return err
		}
		change, err = save(ctx, tx, u)
		return err
	})
	return change, err
}
