package system

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instancedomain"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Domains are the calls about the domains of an instance.
type Domains struct{ store *store.Store }

// AddDomain gives an instance another domain.
func (s Domains) AddDomain(ctx context.Context, req *systemv1.AddDomainRequest) (*systemv1.AddDomainResponse, error) {
	change, createdAt, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), func(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (store.Change, error) {
		return domain.Add(ctx, tx, of, name, false, false)
	})
	if err != nil {
		return nil, err
	}
	return &systemv1.AddDomainResponse{Details: message.Changed(change, createdAt)}, nil
}

// ListDomains returns the domains of an instance that match all queries.
func (s Domains) ListDomains(ctx context.Context, req *systemv1.ListDomainsRequest) (*systemv1.ListDomainsResponse, error) {
	details, domains, err := message.DomainList(ctx, s.store, req)
	return &systemv1.ListDomainsResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: domains}, err
}

// ExistsDomain tells whether any instance has the domain.
func (s Domains) ExistsDomain(ctx context.Context, req *systemv1.ExistsDomainRequest) (*systemv1.ExistsDomainResponse, error) {
	name, err := domain.Normalize("domain", req.GetDomain())
	if err != nil {
		return nil, err
	}
	exists, err := s.store.Read().InstanceDomain.Query().Where(instancedomain.Domain(name)).Exist(across.Instances(ctx))
	return &systemv1.ExistsDomainResponse{Exists: exists}, err
}

// SetPrimaryDomain makes a domain of the instance its primary one.
func (s Domains) SetPrimaryDomain(ctx context.Context, req *systemv1.SetPrimaryDomainRequest) (*systemv1.SetPrimaryDomainResponse, error) {
	change, createdAt, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), domain.SetPrimary)
	if err != nil {
		return nil, err
	}
	return &systemv1.SetPrimaryDomainResponse{Details: message.Changed(change, createdAt)}, nil
}

// RemoveDomain takes a domain from an instance.
func (s Domains) RemoveDomain(ctx context.Context, req *systemv1.RemoveDomainRequest) (*systemv1.RemoveDomainResponse, error) {
	change, createdAt, err := instance.ChangeDomain(ctx, s.store, req.GetDomain(), domain.Remove)
	if err != nil {
		return nil, err
	}
	return &systemv1.RemoveDomainResponse{Details: message.Changed(change, createdAt)}, nil
}
