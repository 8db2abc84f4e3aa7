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
	details, err := ListDetails(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	conditions := make([]metadata.Condition, len(q.GetQueries()))
	for i, query := range q.GetQueries() {
		by := query.GetKeyQuery() // there is no other kind
		conditions[i] = metadata.WhereKey(TextMethod(by.GetMethod()), by.GetKey())
	}
	entries, total, err := metadata.List(ctx, s, on, Page(q.GetQuery()), conditions...)
	if err != nil {
		return nil, nil, err
	}
	result := make([]*metadatav1.Metadata, len(entries))
	for i, e := range entries {
		result[i] = Metadata(e)
	}
	details.TotalResult = total
	return details, result, nil
}

// Metadata maps a key with its value.
func Metadata(e metadata.Entry) *metadatav1.Metadata {
	return &metadatav1.Metadata{Details: Details(e.Sequence, e.CreatedAt, e.ChangedAt, e.OwnerID), Key: e.Key, Value: e.Value}
}
