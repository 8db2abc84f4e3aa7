package admin

import (
	"context"

	"github.com/bastide-id/bastide/ent/predicate"
	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// TrustedDomains are the calls about the domains that the instance trusts.
type TrustedDomains struct{ store *store.Store }

// AddInstanceTrustedDomain makes the instance trust a domain.
func (s TrustedDomains) AddInstanceTrustedDomain(ctx context.Context, req *adminv1.AddInstanceTrustedDomainRequest) (*adminv1.AddInstanceTrustedDomainResponse, error) {
	change, _, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), domain.Trust)
	return &adminv1.AddInstanceTrustedDomainResponse{Details: message.Created(change)}, err
}

// ListInstanceTrustedDomains returns the trusted domains that match all
// queries.
func (s TrustedDomains) ListInstanceTrustedDomains(ctx context.Context, req *adminv1.ListInstanceTrustedDomainsRequest) (*adminv1.ListInstanceTrustedDomainsResponse, error) {
	details, err := message.ListDetails(ctx, s.store)
	if err != nil {
		return nil, err
	}
	by := message.DomainColumn(req.GetSortingColumn())
	rows, total, err := domain.ListTrusted(ctx, s.store, message.Page(req.GetQuery()), by, trustedConditions(req.GetQueries())...)
	result := make([]*instancev1.TrustedDomain, len(rows))
	for i, row := range rows {
		result[i] = &instancev1.TrustedDomain{Details: message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.InstanceID), Domain: row.Domain}
	}
	details.TotalResult = total
	return &adminv1.ListInstanceTrustedDomainsResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: result}, err
}

// RemoveInstanceTrustedDomain ends that the instance trusts a domain.
func (s TrustedDomains) RemoveInstanceTrustedDomain(ctx context.Context, req *adminv1.RemoveInstanceTrustedDomainRequest) (*adminv1.RemoveInstanceTrustedDomainResponse, error) {
	change, createdAt, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), domain.Distrust)
	return &adminv1.RemoveInstanceTrustedDomainResponse{Details: message.Changed(change, createdAt)}, err
}

// trustedConditions returns the conditions of queries.
func trustedConditions(queries []*instancev1.TrustedDomainSearchQuery) []predicate.InstanceTrustedDomain {
	conditions := make([]predicate.InstanceTrustedDomain, len(queries))
	for i, q := range queries {
		by := q.GetDomainQuery()
		conditions[i] = domain.MatchingTrusted(message.TextMethod(by.GetMethod()), by.GetDomain())
	}
	return conditions
}
