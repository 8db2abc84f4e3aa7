package message

import (
	"context"

	metadatav1 "github.com/bastide-id/bastide/gen/zitadel/metadata/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/store"
)

// MetadataQuery is what the requests that search metadata have in common.
type MetadataQuery interface {
	GetQuery() *zitadelv1.ListQuery
	GetQueries() []*metadatav1.MetadataQuery
}

// MetadataList answers a search for metadata of a user or an organization.
func MetadataList(ctx context.Context, s *store.Store, on metadata.On, q MetadataQuery) (*zitadelv1.ListDetails, []*metadatav1.Metadata, error) {
	conditions := make([]metadata.Condition, len(q.GetQueries()))
	for i, query := range q.GetQueries() {
		by := query.GetKeyQuery() // there is no other kind
		conditions[i] = metadata.WhereKey(TextMethod(by.GetMethod()), by.GetKey())
	}
	return List(ctx, s, q, func(page store.Page) ([]metadata.Entry, uint64, error) {
		return metadata.List(ctx, s, on, page, conditions...)
	}, Metadata)
}

// Metadata maps a key with its value.
func Metadata(e metadata.Entry) *metadatav1.Metadata {
	return &metadatav1.Metadata{Details: Details(e.Sequence, e.CreatedAt, e.ChangedAt, e.OwnerID), Key: e.Key, Value: e.Value}
}
