package management

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Domains are the calls about the domains of the chosen organization.
type Domains struct {
	store  *store.Store
	proofs domain.Proofs
}

// AddOrgDomain gives the organization another domain.
func (s Domains) AddOrgDomain(ctx context.Context, req *managementv1.AddOrgDomainRequest) (*managementv1.AddOrgDomainResponse, error) {
	change, _, err := s.change(ctx, req.GetDomain(), func(ctx context.Context, tx *store.Tx, of *ent.Organization, name string) (store.Change, *ent.OrganizationDomain, error) {
		change, err := domain.Claim(ctx, tx, of, name)
		return change, &ent.OrganizationDomain{CreatedAt: change.At}, err
	})
	return &managementv1.AddOrgDomainResponse{Details: message.Created(change)}, err
}

// ListOrgDomains returns the domains that match all queries.
func (s Domains) ListOrgDomains(ctx context.Context, req *managementv1.ListOrgDomainsRequest) (*managementv1.ListOrgDomainsResponse, error) {
	of, err := organization.Get(ctx, s.store.Read().Organization, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	details, domains, err := message.List(ctx, s.store, req, func(page store.Page) ([]*ent.OrganizationDomain, uint64, error) {
		return domain.ListClaims(ctx, s.store, of, page, orgDomainConditions(req.GetQueries())...)
	}, func(row *ent.OrganizationDomain) *orgv1.Domain { return orgDomainToProto(row, of.OrganizationID) })
	return &managementv1.ListOrgDomainsResponse{Details: details, Result: domains}, err
}

// GenerateOrgDomainValidation makes the token that proves that a domain is the
// organization's own, and tells where it has to be published.
func (s Domains) GenerateOrgDomainValidation(ctx context.Context, req *managementv1.GenerateOrgDomainValidationRequest) (*managementv1.GenerateOrgDomainValidationResponse, error) {
	of, name, err := s.find(ctx, req.GetDomain())
	if err != nil {
		return nil, err
	}
	proof, err := s.proofs.Ask(ctx, of, name, domain.ProofType(req.GetType()))
	return &managementv1.GenerateOrgDomainValidationResponse{Token: proof.Token, Url: proof.Where}, err
}

// ValidateOrgDomain looks for the token and verifies the domain.
func (s Domains) ValidateOrgDomain(ctx context.Context, req *managementv1.ValidateOrgDomainRequest) (*managementv1.ValidateOrgDomainResponse, error) {
	of, name, err := s.find(ctx, req.GetDomain())
	if err != nil {
		return nil, err
	}
	change, row, err := s.proofs.Check(ctx, of, name)
	if err != nil {
		return nil, err
	}
	return &managementv1.ValidateOrgDomainResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// SetPrimaryOrgDomain makes a domain the primary one of the organization.
func (s Domains) SetPrimaryOrgDomain(ctx context.Context, req *managementv1.SetPrimaryOrgDomainRequest) (*managementv1.SetPrimaryOrgDomainResponse, error) {
	change, createdAt, err := s.change(ctx, req.GetDomain(), domain.SetPrimaryClaim)
	return &managementv1.SetPrimaryOrgDomainResponse{Details: message.Changed(change, createdAt)}, err
}

// RemoveOrgDomain takes a domain from the organization.
func (s Domains) RemoveOrgDomain(ctx context.Context, req *managementv1.RemoveOrgDomainRequest) (*managementv1.RemoveOrgDomainResponse, error) {
	change, createdAt, err := s.change(ctx, req.GetDomain(), domain.RemoveClaim)
	return &managementv1.RemoveOrgDomainResponse{Details: message.Changed(change, createdAt)}, err
}

// find returns the chosen organization, and the domain in its ASCII form.
func (s Domains) find(ctx context.Context, name string) (*ent.Organization, string, error) {
	name, err := domain.Normalize("domain", name)
	if err != nil {
		return nil, "", err
	}
	of, err := organization.Get(ctx, s.store.Read().Organization, caller.OrganizationID(ctx))
	return of, name, err
}

// change runs f in a transaction with the chosen organization and the domain in
// its ASCII form. It returns when the domain was added.
func (s Domains) change(ctx context.Context, name string, f func(context.Context, *store.Tx, *ent.Organization, string) (store.Change, *ent.OrganizationDomain, error)) (change store.Change, createdAt time.Time, err error) {
	if name, err = domain.Normalize("domain", name); err != nil {
		return change, createdAt, err
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		of, err := organization.Get(ctx, tx.Organization, caller.OrganizationID(ctx))
		if err != nil {
			return err
		}
		var row *ent.OrganizationDomain
		if change, row, err = f(ctx, tx, of, name); err != nil {
			return err
		}
		createdAt = row.CreatedAt
		return nil
	})
	return change, createdAt, err
}

// orgDomainToProto maps a domain of an organization.
func orgDomainToProto(row *ent.OrganizationDomain, organizationID string) *orgv1.Domain {
	return &orgv1.Domain{
		OrgId:          organizationID,
		Details:        message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, organizationID),
		DomainName:     row.Domain,
		IsVerified:     row.Verified,
		IsPrimary:      row.IsPrimary,
		ValidationType: orgv1.DomainValidationType(row.ValidationType),
	}
}

// orgDomainConditions returns the conditions of queries.
func orgDomainConditions(queries []*orgv1.DomainSearchQuery) []predicate.OrganizationDomain {
	conditions := make([]predicate.OrganizationDomain, len(queries))
	for i, q := range queries {
		by := q.GetDomainNameQuery()
		conditions[i] = domain.MatchingClaim(message.TextMethod(by.GetMethod()), by.GetName())
	}
	return conditions
}
