package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/applicationkey"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/v1/message"
)

// ApplicationKeys are the calls about the keys of an application.
type ApplicationKeys struct {
	store  *store.Store
	tokens *token.Tokens
}

// AddAppKey makes a key for an application.
func (s ApplicationKeys) AddAppKey(ctx context.Context, req *managementv1.AddAppKeyRequest) (*managementv1.AddAppKeyResponse, error) {
	key, err := s.tokens.NewApplicationKey(ctx, message.Expiry(req.GetExpirationDate()))
	if err != nil {
		return nil, err
	}
	var change store.Change
	var app *ent.Application
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, row, err := lockApp(ctx, tx, req)
		if err != nil {
			return err
		}
		if err := project.CheckActive(in); err != nil {
			return err
		}
		if err := application.CheckKeys(row); err != nil {
			return err
		}
		app = row
		change, err = key.Save(ctx, tx, in, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddAppKeyResponse{Id: key.ID, Details: message.Created(change), KeyDetails: key.File(app)}, nil
}

// GetAppKey returns what is known of a key.
func (s ApplicationKeys) GetAppKey(ctx context.Context, req *managementv1.GetAppKeyRequest) (*managementv1.GetAppKeyResponse, error) {
	in, q, err := s.of(ctx, req)
	if err != nil {
		return nil, err
	}
	row, err := q.Where(applicationkey.KeyID(req.GetKeyId())).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.ApplicationKeyUnknown.With()
	}
	if err != nil {
		return nil, err
	}
	return &managementv1.GetAppKeyResponse{Key: appKeyToProto(row, in.ResourceOwner)}, nil
}

// ListAppKeys returns the keys of an application.
func (s ApplicationKeys) ListAppKeys(ctx context.Context, req *managementv1.ListAppKeysRequest) (*managementv1.ListAppKeysResponse, error) {
	in, q, err := s.of(ctx, req)
	if err != nil {
		return nil, err
	}
	details, keys, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.ApplicationKey, uint64, error) {
		return store.List(ctx, s.store, q, page, applicationkey.ByCreatedAt, applicationkey.ByID)
	}, func(row *ent.ApplicationKey) *authnv1.Key { return appKeyToProto(row, in.ResourceOwner) })
	return &managementv1.ListAppKeysResponse{Details: details, Result: keys}, err
}

// RemoveAppKey removes a key of an application.
func (s ApplicationKeys) RemoveAppKey(ctx context.Context, req *managementv1.RemoveAppKeyRequest) (*managementv1.RemoveAppKeyResponse, error) {
	var change store.Change
	var row *ent.ApplicationKey
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, app, err := lockApp(ctx, tx, req)
		if err != nil {
			return err
		}
		change, row, err = token.RemoveApplicationKey(ctx, tx, in, app, req.GetKeyId())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.RemoveAppKeyResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// of asks for the keys of the application of a request, and returns its
// project.
func (s ApplicationKeys) of(ctx context.Context, req namesApp) (*ent.Project, *ent.ApplicationKeyQuery, error) {
	in, err := project.Get(ctx, s.store.Read().Project, req.GetProjectId())
	if err != nil {
		return nil, nil, err
	}
	app, err := application.Get(ctx, s.store.Read().Application, in, req.GetAppId())
	if err != nil {
		return nil, nil, err
	}
	return in, s.store.Read().ApplicationKey.Query().Where(applicationkey.ApplicationPk(app.ID)), nil
}

func appKeyToProto(row *ent.ApplicationKey, owner string) *authnv1.Key {
	return &authnv1.Key{
		Id:             row.KeyID,
		Details:        message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, owner),
		Type:           authnv1.KeyType_KEY_TYPE_JSON,
		ExpirationDate: message.Time(row.ExpiresAt),
	}
}
