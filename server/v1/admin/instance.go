package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Instances are the calls about the instance of the request.
type Instances struct {
	store   *store.Store
	version string
}

// GetMyInstance returns the instance of the request with its domains.
func (s Instances) GetMyInstance(ctx context.Context, _ *adminv1.GetMyInstanceRequest) (*adminv1.GetMyInstanceResponse, error) {
	row, err := instance.WithDomains(ctx, s.store)
	if err != nil {
		return nil, err
	}
	return &adminv1.GetMyInstanceResponse{Instance: message.InstanceDetail(row, s.version)}, nil
}

// ListInstanceDomains returns the domains that match all queries.
func (s Instances) ListInstanceDomains(ctx context.Context, req *adminv1.ListInstanceDomainsRequest) (*adminv1.ListInstanceDomainsResponse, error) {
	details, domains, err := message.DomainList(ctx, s.store, req)
	return &adminv1.ListInstanceDomainsResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: domains}, err
}
