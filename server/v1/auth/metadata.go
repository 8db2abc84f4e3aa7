package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Metadata are the calls about values that clients keep with the calling user.
type Metadata struct{ store *store.Store }

// GetMyMetadata returns the value of a key.
func (s Metadata) GetMyMetadata(ctx context.Context, req *authv1.GetMyMetadataRequest) (*authv1.GetMyMetadataResponse, error) {
	on, err := s.mine(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := metadata.Get(ctx, s.store.Read(), on, req.GetKey())
	if err != nil {
		return nil, err
	}
	return &authv1.GetMyMetadataResponse{Metadata: message.Metadata(entry)}, nil
}

// ListMyMetadata returns the values whose keys match all queries.
func (s Metadata) ListMyMetadata(ctx context.Context, req *authv1.ListMyMetadataRequest) (*authv1.ListMyMetadataResponse, error) {
	on, err := s.mine(ctx)
	if err != nil {
		return nil, err
	}
	details, entries, err := message.MetadataList(ctx, s.store, on, req)
	return &authv1.ListMyMetadataResponse{Details: details, Result: entries}, err
}

func (s Metadata) mine(ctx context.Context) (metadata.On, error) {
	row, err := user.Get(ctx, s.store.Read().User, caller.From(ctx).ID)
	if err != nil {
		return metadata.On{}, err
	}
	return metadata.OnUser(row), nil
}
