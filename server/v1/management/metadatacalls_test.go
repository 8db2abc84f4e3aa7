package management_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	metadatav1 "github.com/bastide-id/bastide/gen/zitadel/metadata/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// metadataCalls are the calls about the metadata of a user, or of the chosen
// organization, for which id is without meaning.
type metadataCalls struct {
	set        func(ctx context.Context, c *servertest.Caller, id, key, value string) (*zitadelv1.ObjectDetails, error)
	bulkSet    func(ctx context.Context, c *servertest.Caller, id string, keysAndValues ...string) (*zitadelv1.ObjectDetails, error)
	get        func(ctx context.Context, c *servertest.Caller, id, key string) (*metadatav1.Metadata, error)
	list       func(ctx context.Context, c *servertest.Caller, id string, query *zitadelv1.ListQuery, queries ...*metadatav1.MetadataQuery) (*zitadelv1.ListDetails, []*metadatav1.Metadata, error)
	remove     func(ctx context.Context, c *servertest.Caller, id, key string) (*zitadelv1.ObjectDetails, error)
	bulkRemove func(ctx context.Context, c *servertest.Caller, id string, keys ...string) (*zitadelv1.ObjectDetails, error)
}

var metadataOfUser = metadataCalls{
	set: func(ctx context.Context, c *servertest.Caller, id, key, value string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.SetUserMetadata(ctx, &managementv1.SetUserMetadataRequest{Id: id, Key: key, Value: []byte(value)})
		if err == nil && answer.GetId() != id {
			err = fmt.Errorf("the answer is of the user %q", answer.GetId())
		}
		return answer.GetDetails(), err
	},
	bulkSet: func(ctx context.Context, c *servertest.Caller, id string, keysAndValues ...string) (*zitadelv1.ObjectDetails, error) {
		request := &managementv1.BulkSetUserMetadataRequest{Id: id}
		for pair := range slices.Chunk(keysAndValues, 2) {
			request.Metadata = append(request.Metadata, &managementv1.BulkSetUserMetadataRequest_Metadata{Key: pair[0], Value: []byte(pair[1])})
		}
		answer, err := c.Management.BulkSetUserMetadata(ctx, request)
		return answer.GetDetails(), err
	},
	get: func(ctx context.Context, c *servertest.Caller, id, key string) (*metadatav1.Metadata, error) {
		answer, err := c.Management.GetUserMetadata(ctx, &managementv1.GetUserMetadataRequest{Id: id, Key: key})
		return answer.GetMetadata(), err
	},
	list: func(ctx context.Context, c *servertest.Caller, id string, query *zitadelv1.ListQuery, queries ...*metadatav1.MetadataQuery) (*zitadelv1.ListDetails, []*metadatav1.Metadata, error) {
		answer, err := c.Management.ListUserMetadata(ctx, &managementv1.ListUserMetadataRequest{Id: id, Query: query, Queries: queries})
		return answer.GetDetails(), answer.GetResult(), err
	},
	remove: func(ctx context.Context, c *servertest.Caller, id, key string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.RemoveUserMetadata(ctx, &managementv1.RemoveUserMetadataRequest{Id: id, Key: key})
		return answer.GetDetails(), err
	},
	bulkRemove: func(ctx context.Context, c *servertest.Caller, id string, keys ...string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.BulkRemoveUserMetadata(ctx, &managementv1.BulkRemoveUserMetadataRequest{Id: id, Keys: keys})
		return answer.GetDetails(), err
	},
}

var metadataOfOrganization = metadataCalls{
	set: func(ctx context.Context, c *servertest.Caller, _, key, value string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.SetOrgMetadata(ctx, &managementv1.SetOrgMetadataRequest{Key: key, Value: []byte(value)})
		return answer.GetDetails(), err
	},
	bulkSet: func(ctx context.Context, c *servertest.Caller, _ string, keysAndValues ...string) (*zitadelv1.ObjectDetails, error) {
		request := &managementv1.BulkSetOrgMetadataRequest{}
		for pair := range slices.Chunk(keysAndValues, 2) {
			request.Metadata = append(request.Metadata, &managementv1.BulkSetOrgMetadataRequest_Metadata{Key: pair[0], Value: []byte(pair[1])})
		}
		answer, err := c.Management.BulkSetOrgMetadata(ctx, request)
		return answer.GetDetails(), err
	},
	get: func(ctx context.Context, c *servertest.Caller, _, key string) (*metadatav1.Metadata, error) {
		answer, err := c.Management.GetOrgMetadata(ctx, &managementv1.GetOrgMetadataRequest{Key: key})
		return answer.GetMetadata(), err
	},
	list: func(ctx context.Context, c *servertest.Caller, _ string, query *zitadelv1.ListQuery, queries ...*metadatav1.MetadataQuery) (*zitadelv1.ListDetails, []*metadatav1.Metadata, error) {
		answer, err := c.Management.ListOrgMetadata(ctx, &managementv1.ListOrgMetadataRequest{Query: query, Queries: queries})
		return answer.GetDetails(), answer.GetResult(), err
	},
	remove: func(ctx context.Context, c *servertest.Caller, _, key string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.RemoveOrgMetadata(ctx, &managementv1.RemoveOrgMetadataRequest{Key: key})
		return answer.GetDetails(), err
	},
	bulkRemove: func(ctx context.Context, c *servertest.Caller, _ string, keys ...string) (*zitadelv1.ObjectDetails, error) {
		answer, err := c.Management.BulkRemoveOrgMetadata(ctx, &managementv1.BulkRemoveOrgMetadataRequest{Keys: keys})
		return answer.GetDetails(), err
	},
}

// owner has metadata.
type owner struct {
	metadataCalls
	id      string
	owner   string // the organization that it belongs to
	changes uint64 // so far
}

// eachOwner runs a test for a user and for an organization, on each database.
func eachOwner(t *testing.T, test func(*testing.T, *servertest.Server, servertest.Tenant, *owner)) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for name, of := range map[string]*owner{
			"user":         {metadataOfUser, i.NewHuman(t, "ada"), i.OrganizationID, 2},
			"organization": {metadataOfOrganization, "", i.OrganizationID, 5},
		} {
			t.Run(name, func(t *testing.T) { test(t, s, i, of) })
		}
	})
}
