package domain

import (
	"context"
	"errors"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instancetrusteddomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Trust makes an instance trust a domain. It returns fault.TrustedDomainExists
// when it does already.
func Trust(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (store.Change, error) {
	change, err := tx.Record(ctx, store.InstanceTrustedDomainAdded, store.InstanceObject(of), claimed(name))
	if err != nil {
		return change, err
	}
	err = tx.InstanceTrustedDomain.Create().SetTenant(of).SetDomain(name).SetSequence(change.Sequence).Exec(ctx)
	if errors.Is(store.Fault(err), fault.AlreadyExists) {
		err = fault.TrustedDomainExists.With(name).Because(err)
	}
	return change, err
}

// Distrust ends that an instance trusts a domain. It returns
// fault.TrustedDomainUnknown when it does not.
func Distrust(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (store.Change, error) {
	removed, err := tx.InstanceTrustedDomain.Delete().Where(instancetrusteddomain.Domain(name)).Exec(ctx)
	if err == nil && removed == 0 {
		err = fault.TrustedDomainUnknown.With(name)
	}
	if err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.InstanceTrustedDomainRemoved, store.InstanceObject(of), claimed(name))
}

// ListTrusted returns a page of the domains that the instance of ctx trusts and
// that match all conditions, and how many match. None of them is primary or
// generated: sorted by that they come in the order in which they were added.
func ListTrusted(ctx context.Context, s *store.Store, page store.Page, by SortColumn, conditions ...predicate.InstanceTrustedDomain) ([]*ent.InstanceTrustedDomain, uint64, error) {
	order := map[SortColumn]func(...sql.OrderTermOption) instancetrusteddomain.OrderOption{
		ByDomain:    instancetrusteddomain.ByDomain,
		ByPrimary:   instancetrusteddomain.ByID,
		ByGenerated: instancetrusteddomain.ByID,
		ByCreation:  instancetrusteddomain.ByCreatedAt,
	}
	return store.List(ctx, s, s.Read().InstanceTrustedDomain.Query().Where(conditions...), page, order[by], instancetrusteddomain.ByID)
}

// MatchingTrusted returns the condition that the text of a domain matches.
func MatchingTrusted(method store.TextMethod, needle string) predicate.InstanceTrustedDomain {
	return store.TextMatch(instancetrusteddomain.FieldDomain, "", method, needle)
}
