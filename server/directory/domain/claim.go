package domain

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Claim says that a domain is an organization's own. It is verified at once
// where the domain policy asks for no proof. Claim returns
// fault.OrganizationDomainExists for a domain that the organization has, or
// fault.OrganizationDomainTaken for one that would be verified and is another
// one's.
func Claim(ctx context.Context, tx *store.Tx, of *ent.Organization, name string) (store.Change, error) {
	object, payload := store.OrganizationObject(of), claimed(name)
	if err := tx.Lock(ctx, object); err != nil {
		return store.Change{}, err
	}
	has, err := tx.OrganizationDomain.Query().Where(claim(of, name)).Exist(ctx)
	if err != nil {
		return store.Change{}, err
	}
	if has {
		return store.Change{}, fault.OrganizationDomainExists.With(name)
	}
	rules, err := policy.Get(ctx, tx.OwnerPolicy, policy.Domain, of.OrganizationID)
	if err != nil {
		return store.Change{}, err
	}
	change, err := tx.Record(ctx, store.OrgDomainAdded, object, payload)
	if err == nil && !rules.ValidateOrgDomains {
		change, err = tx.Record(ctx, store.OrgDomainVerified, object, payload)
	}
	if err != nil {
		return change, err
	}
	err = tx.OrganizationDomain.Create().SetOrganization(of).SetDomain(name).
		SetVerified(!rules.ValidateOrgDomains).SetIsPrimary(false).SetSequence(change.Sequence).Exec(ctx)
	return change, taken(name, err)
}

// RemoveClaim takes a domain from an organization, and returns what it was. It
// returns fault.OrganizationDomainUnknown, or fault.DomainPrimary.
func RemoveClaim(ctx context.Context, tx *store.Tx, of *ent.Organization, name string) (store.Change, *ent.OrganizationDomain, error) {
	row, err := findClaim(ctx, tx, of, name)
	if err != nil {
		return store.Change{}, nil, err
	}
	if row.IsPrimary {
		return store.Change{}, nil, fault.DomainPrimary.With()
	}
	if err := tx.OrganizationDomain.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.OrgDomainRemoved, store.OrganizationObject(of), claimed(name))
	return change, row, err
}

// SetPrimaryClaim makes a domain the primary one of its organization. It
// returns fault.OrganizationDomainUnknown, fault.OrganizationDomainUnverified,
// or fault.NothingChanged when it is already.
func SetPrimaryClaim(ctx context.Context, tx *store.Tx, of *ent.Organization, name string) (store.Change, *ent.OrganizationDomain, error) {
	row, err := findClaim(ctx, tx, of, name)
	switch {
	case err != nil:
		return store.Change{}, nil, err
	case row.IsPrimary:
		return store.Change{}, nil, fault.NothingChanged.With()
	case !row.Verified:
		return store.Change{}, nil, fault.OrganizationDomainUnverified.With(name)
	}
	change, err := tx.Record(ctx, store.OrgDomainPrimarySet, store.OrganizationObject(of), claimed(name))
	if err != nil {
		return change, nil, err
	}
	err = tx.OrganizationDomain.Update().
		Where(organizationdomain.OrganizationPk(of.ID), organizationdomain.IsPrimary(true)).
		SetIsPrimary(false).SetSequence(change.Sequence).Exec(ctx)
	if err != nil {
		return change, nil, err
	}
	row, err = tx.OrganizationDomain.UpdateOne(row).SetIsPrimary(true).SetSequence(change.Sequence).Save(ctx)
	return change, row, err
}

// ListClaims returns a page of the domains of an organization that match all
// conditions, by name, and how many match.
func ListClaims(ctx context.Context, s *store.Store, of *ent.Organization, page store.Page, conditions ...predicate.OrganizationDomain) ([]*ent.OrganizationDomain, uint64, error) {
	q := s.Read().OrganizationDomain.Query().Where(organizationdomain.OrganizationPk(of.ID)).Where(conditions...)
	return store.List(ctx, s, q, page, organizationdomain.ByDomain, organizationdomain.ByID)
}

// MatchingClaim returns the condition that the text of a domain matches.
func MatchingClaim(method store.TextMethod, needle string) predicate.OrganizationDomain {
	return store.TextMatch(organizationdomain.FieldDomain, "", method, needle)
}

// findClaim locks the organization and returns its domain: which one is
// primary is a rule over all of them.
func findClaim(ctx context.Context, tx *store.Tx, of *ent.Organization, name string) (*ent.OrganizationDomain, error) {
	if err := tx.Lock(ctx, store.OrganizationObject(of)); err != nil {
		return nil, err
	}
	return getClaim(ctx, tx.OrganizationDomain, of, name)
}

// getClaim serves reads and transactions alike.
func getClaim(ctx context.Context, domains *ent.OrganizationDomainClient, of *ent.Organization, name string) (*ent.OrganizationDomain, error) {
	row, err := domains.Query().Where(claim(of, name)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.OrganizationDomainUnknown.With(name)
	}
	return row, err
}

func claim(of *ent.Organization, name string) predicate.OrganizationDomain {
	return organizationdomain.And(organizationdomain.OrganizationPk(of.ID), organizationdomain.Domain(name))
}

// taken tells that a verified domain is another organization's. The one who
// asks holds the lock of its own, so that no other reason is left.
func taken(name string, err error) error {
	if errors.Is(store.Fault(err), fault.AlreadyExists) {
		err = fault.OrganizationDomainTaken.With(name).Because(err)
	}
	return err
}

func claimed(name string) store.Payload {
	return store.Payload{Public: map[string]any{"domain": name}}
}
