package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	metadatav1 "github.com/bastide-id/bastide/gen/zitadel/metadata/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Metadata are the calls about values that clients keep with users and with the
// chosen organization.
type Metadata struct{ store *store.Store }

// SetUserMetadata sets the value of a key of a user.
func (s Metadata) SetUserMetadata(ctx context.Context, req *managementv1.SetUserMetadataRequest) (*managementv1.SetUserMetadataResponse, error) {
	details, err := s.set(ctx, ofUser(req.GetId()), req)
	return &managementv1.SetUserMetadataResponse{Id: req.GetId(), Details: details}, err
}

// SetOrgMetadata sets the value of a key of the chosen organization.
func (s Metadata) SetOrgMetadata(ctx context.Context, req *managementv1.SetOrgMetadataRequest) (*managementv1.SetOrgMetadataResponse, error) {
	details, err := s.set(ctx, ofChosenOrganization, req)
	return &managementv1.SetOrgMetadataResponse{Details: details}, err
}

// BulkSetUserMetadata sets the values of keys of a user, of all or none.
func (s Metadata) BulkSetUserMetadata(ctx context.Context, req *managementv1.BulkSetUserMetadataRequest) (*managementv1.BulkSetUserMetadataResponse, error) {
	details, err := s.bulkSet(ctx, ofUser(req.GetId()), values(req.GetMetadata()))
	return &managementv1.BulkSetUserMetadataResponse{Details: details}, err
}

// BulkSetOrgMetadata sets the values of keys of the chosen organization, of all or none.
func (s Metadata) BulkSetOrgMetadata(ctx context.Context, req *managementv1.BulkSetOrgMetadataRequest) (*managementv1.BulkSetOrgMetadataResponse, error) {
	details, err := s.bulkSet(ctx, ofChosenOrganization, values(req.GetMetadata()))
	return &managementv1.BulkSetOrgMetadataResponse{Details: details}, err
}

// GetUserMetadata returns the value of a key of a user.
func (s Metadata) GetUserMetadata(ctx context.Context, req *managementv1.GetUserMetadataRequest) (*managementv1.GetUserMetadataResponse, error) {
	entry, err := s.get(ctx, ofUser(req.GetId()), req.GetKey())
	return &managementv1.GetUserMetadataResponse{Metadata: entry}, err
}

// GetOrgMetadata returns the value of a key of the chosen organization.
func (s Metadata) GetOrgMetadata(ctx context.Context, req *managementv1.GetOrgMetadataRequest) (*managementv1.GetOrgMetadataResponse, error) {
	entry, err := s.get(ctx, ofChosenOrganization, req.GetKey())
	return &managementv1.GetOrgMetadataResponse{Metadata: entry}, err
}

// ListUserMetadata returns the metadata of a user that matches all queries.
func (s Metadata) ListUserMetadata(ctx context.Context, req *managementv1.ListUserMetadataRequest) (*managementv1.ListUserMetadataResponse, error) {
	details, entries, err := s.list(ctx, ofUser(req.GetId()), req)
	return &managementv1.ListUserMetadataResponse{Details: details, Result: entries}, err
}

// ListOrgMetadata returns the metadata of the chosen organization that matches all queries.
func (s Metadata) ListOrgMetadata(ctx context.Context, req *managementv1.ListOrgMetadataRequest) (*managementv1.ListOrgMetadataResponse, error) {
	details, entries, err := s.list(ctx, ofChosenOrganization, req)
	return &managementv1.ListOrgMetadataResponse{Details: details, Result: entries}, err
}

// RemoveUserMetadata removes a key of a user with its value.
func (s Metadata) RemoveUserMetadata(ctx context.Context, req *managementv1.RemoveUserMetadataRequest) (*managementv1.RemoveUserMetadataResponse, error) {
	details, err := s.remove(ctx, ofUser(req.GetId()), req.GetKey())
	return &managementv1.RemoveUserMetadataResponse{Details: details}, err
}

// RemoveOrgMetadata removes a key of the chosen organization with its value.
func (s Metadata) RemoveOrgMetadata(ctx context.Context, req *managementv1.RemoveOrgMetadataRequest) (*managementv1.RemoveOrgMetadataResponse, error) {
	details, err := s.remove(ctx, ofChosenOrganization, req.GetKey())
	return &managementv1.RemoveOrgMetadataResponse{Details: details}, err
}

// BulkRemoveUserMetadata removes keys of a user with their values, all or none.
func (s Metadata) BulkRemoveUserMetadata(ctx context.Context, req *managementv1.BulkRemoveUserMetadataRequest) (*managementv1.BulkRemoveUserMetadataResponse, error) {
	details, err := s.bulkRemove(ctx, ofUser(req.GetId()), req.GetKeys())
	return &managementv1.BulkRemoveUserMetadataResponse{Details: details}, err
}

// BulkRemoveOrgMetadata removes keys of the chosen organization with their values, all or none.
func (s Metadata) BulkRemoveOrgMetadata(ctx context.Context, req *managementv1.BulkRemoveOrgMetadataRequest) (*managementv1.BulkRemoveOrgMetadataResponse, error) {
	details, err := s.bulkRemove(ctx, ofChosenOrganization, req.GetKeys())
	return &managementv1.BulkRemoveOrgMetadataResponse{Details: details}, err
}

// metadataOf returns whose metadata a call is about. It serves reads and
// transactions alike.
type metadataOf func(context.Context, *ent.Client) (metadata.On, error)

func ofUser(id string) metadataOf {
	return func(ctx context.Context, client *ent.Client) (metadata.On, error) {
		row, err := user.Get(ctx, client.User, id)
		if err != nil {
			return metadata.On{}, err
		}
		return metadata.OnUser(row), nil
	}
}

func ofChosenOrganization(ctx context.Context, client *ent.Client) (metadata.On, error) {
	row, err := organization.Get(ctx, client.Organization, caller.OrganizationID(ctx))
	if err != nil {
		return metadata.On{}, err
	}
	return metadata.OnOrganization(row), nil
}

// keyed is a key with its value, of whatever request.
type keyed interface {
	GetKey() string
	GetValue() []byte
}

func values[M keyed](of []M) []metadata.Value {
	all := make([]metadata.Value, len(of))
	for i, m := range of {
		all[i] = metadata.Value{Key: m.GetKey(), Value: m.GetValue()}
	}
	return all
}

func (s Metadata) set(ctx context.Context, of metadataOf, req keyed) (*zitadelv1.ObjectDetails, error) {
	var entry metadata.Entry
	err := s.write(ctx, of, func(ctx context.Context, tx *store.Tx, on metadata.On) (err error) {
		if _, err = metadata.Set(ctx, tx, on, values([]keyed{req})...); err != nil {
			return err
		}
		entry, err = metadata.Get(ctx, tx.Client(), on, req.GetKey())
		return err
	})
	if err != nil {
		return nil, err
	}
	return message.Metadata(entry).GetDetails(), nil
}

func (s Metadata) bulkSet(ctx context.Context, of metadataOf, all []metadata.Value) (*zitadelv1.ObjectDetails, error) {
	return s.bulk(ctx, of, len(all), func(ctx context.Context, tx *store.Tx, on metadata.On) (store.Change, error) {
		return metadata.Set(ctx, tx, on, all...)
	})
}

func (s Metadata) get(ctx context.Context, of metadataOf, key string) (*metadatav1.Metadata, error) {
	on, err := of(ctx, s.store.Read())
	if err != nil {
		return nil, err
	}
	entry, err := metadata.Get(ctx, s.store.Read(), on, key)
	if err != nil {
		return nil, err
	}
	return message.Metadata(entry), nil
}

func (s Metadata) list(ctx context.Context, of metadataOf, req message.MetadataQuery) (*zitadelv1.ListDetails, []*metadatav1.Metadata, error) {
	on, err := of(ctx, s.store.Read())
	if err != nil {
		return nil, nil, err
	}
	return message.MetadataList(ctx, s.store, on, req)
}

func (s Metadata) remove(ctx context.Context, of metadataOf, key string) (*zitadelv1.ObjectDetails, error) {
	var change store.Change
	var entry metadata.Entry
	err := s.write(ctx, of, func(ctx context.Context, tx *store.Tx, on metadata.On) (err error) {
		if entry, err = metadata.Get(ctx, tx.Client(), on, key); err != nil {
			return err
		}
		change, err = metadata.Remove(ctx, tx, on, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return message.Changed(change, entry.CreatedAt), nil
}

func (s Metadata) bulkRemove(ctx context.Context, of metadataOf, keys []string) (*zitadelv1.ObjectDetails, error) {
	return s.bulk(ctx, of, len(keys), func(ctx context.Context, tx *store.Tx, on metadata.On) (store.Change, error) {
		return metadata.Remove(ctx, tx, on, keys...)
	})
}

// bulk changes n entries, and answers with the details of the user or the
// organization.
func (s Metadata) bulk(ctx context.Context, of metadataOf, n int, f func(context.Context, *store.Tx, metadata.On) (store.Change, error)) (details *zitadelv1.ObjectDetails, err error) {
	if n == 0 {
		return nil, fault.NothingChanged.With()
	}
	err = s.write(ctx, of, func(ctx context.Context, tx *store.Tx, on metadata.On) error {
		change, err := f(ctx, tx, on)
		details = message.Changed(change, on.CreatedAt)
		return err
	})
	if err != nil {
		return nil, err
	}
	return details, nil
}

// write runs f in a transaction with whose metadata it is about.
func (s Metadata) write(ctx context.Context, of metadataOf, f func(context.Context, *store.Tx, metadata.On) error) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		on, err := of(ctx, tx.Client())
		if err != nil {
			return err
		}
		return f(ctx, tx, on)
	})
}
