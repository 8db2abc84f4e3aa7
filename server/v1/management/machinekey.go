package management

import (
	"context"
	"crypto/rsa"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/ent"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/v1/message"
)

// MachineKeys are the calls about the keys of machine users.
type MachineKeys struct {
	store  *store.Store
	tokens *token.Tokens
}

// AddMachineKey gives a machine user a key.
func (s MachineKeys) AddMachineKey(ctx context.Context, req *managementv1.AddMachineKeyRequest) (*managementv1.AddMachineKeyResponse, error) {
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
	_, change, err := onMachine(ctx, s.store, req.GetUserId(), key.Save)
	if err != nil {
		return nil, err
	}
	return &managementv1.AddMachineKeyResponse{KeyId: key.ID, KeyDetails: key.File(req.GetUserId()), Details: message.Created(change)}, nil
}

// GetMachineKeyByIDs returns a key of a machine user.
func (s MachineKeys) GetMachineKeyByIDs(ctx context.Context, req *managementv1.GetMachineKeyByIDsRequest) (*managementv1.GetMachineKeyByIDsResponse, error) {
	u, err := user.Get(ctx, s.store.Read().User, req.GetUserId())
	if err != nil {
		return nil, err
	}
	row, err := token.MachineKeyOf(ctx, s.store.Read().MachineKey, u, req.GetKeyId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetMachineKeyByIDsResponse{Key: machineKeyToProto(row, u)}, nil
}

// ListMachineKeys returns the keys of a machine user.
func (s MachineKeys) ListMachineKeys(ctx context.Context, req *managementv1.ListMachineKeysRequest) (*managementv1.ListMachineKeysResponse, error) {
	details, rows, err := listOf(ctx, s.store, req, token.MachineKeysOf, machineKeyToProto)
	return &managementv1.ListMachineKeysResponse{Details: details, Result: rows}, err
}

// RemoveMachineKey takes a key from a machine user.
func (s MachineKeys) RemoveMachineKey(ctx context.Context, req *managementv1.RemoveMachineKeyRequest) (*managementv1.RemoveMachineKeyResponse, error) {
	var row *ent.MachineKey
	_, change, err := onMachine(ctx, s.store, req.GetUserId(), func(ctx context.Context, tx *store.Tx, u *ent.User) (change store.Change, err error) {
		change, row, err = token.RemoveMachineKey(ctx, tx, u, req.GetKeyId())
		return change, err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.RemoveMachineKeyResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

func machineKeyToProto(row *ent.MachineKey, of *ent.User) *authnv1.Key {
	return &authnv1.Key{
		Id:             row.KeyID,
		Details:        message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, of.ResourceOwner),
		Type:           authnv1.KeyType_KEY_TYPE_JSON,
		ExpirationDate: timestamppb.New(token.Expiry(row.ExpiresAt)),
	}
}
