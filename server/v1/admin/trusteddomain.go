package admin

import (
	"context"

	"github.com/bastide-id/bastide/ent"
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
	by := message.DomainColumn(req.GetSortingColumn())
	details, domains, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.InstanceTrustedDomain, uint64, error) {
		return domain.ListTrusted(ctx, s.store, page, by, trustedConditions(req.GetQueries())...)
	}, trustedToProto)
	return &adminv1.ListInstanceTrustedDomainsResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: domains}, err
}

// RemoveInstanceTrustedDomain ends that the instance trusts a domain.
func (s TrustedDomains) RemoveInstanceTrustedDomain(ctx context.Context, req *adminv1.RemoveInstanceTrustedDomainRequest) (*adminv1.RemoveInstanceTrustedDomainResponse, error) {
	change, createdAt, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), domain.Distrust)
	return &adminv1.RemoveInstanceTrustedDomainResponse{Details: message.Changed(change, createdAt)}, err
}

func trustedToProto(row *ent.InstanceTrustedDomain) *instancev1.TrustedDomain {
	return &instancev1.TrustedDomain{Details: message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.InstanceID), Domain: row.Domain}
}

// trustedConditions returns the conditions of queries.
func trustedConditions(queries []*instancev1.TrustedDomainSearchQuery) []predicate.InstanceTrustedDomain {
	return message.Each(queries, func(q *instancev1.TrustedDomainSearchQuery) predicate.InstanceTrustedDomain {
		by := q.GetDomainQuery()
		return domain.MatchingTrusted(message.TextMethod(by.GetMethod()), by.GetDomain())
	})
}
