package domain

import (
	"context"
	"errors"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Add gives an instance a domain. It returns fault.DomainTaken when an
// instance of the installation has it.
func Add(ctx context.Context, tx *store.Tx, of *ent.Instance, name string, generated, primary bool) (store.Change, error) {
	payload := store.Payload{Public: map[string]any{"domain": name, "generated": generated}}
	change, err := tx.Record(ctx, store.InstanceDomainAdded, store.InstanceObject(of), payload)
	if err == nil && primary {
		change, err = tx.Record(ctx, store.InstanceDomainPrimarySet, store.InstanceObject(of), store.Payload{Public: map[string]any{"domain": name}})
	}
	if err != nil {
		return change, err
	}
	err = tx.InstanceDomain.Create().SetTenant(of).SetDomain(name).SetGenerated(generated).SetIsPrimary(primary).
		SetSequence(change.Sequence).Exec(ctx)
	if errors.Is(store.Fault(err), fault.AlreadyExists) {
		err = fault.DomainTaken.With(name).Because(err)
	}
	return change, err
}

// Remove takes a domain from an instance. It returns fault.DomainUnknown, or
// fault.FailedPrecondition for the primary and the generated domain.
func Remove(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (store.Change, error) {
	row, err := find(ctx, tx, of, name)
	switch {
	case err != nil:
		return store.Change{}, err
	case row.IsPrimary:
		return store.Change{}, fault.DomainPrimary.With()
	case row.Generated:
		return store.Change{}, fault.DomainGenerated.With()
	}
	if err := tx.InstanceDomain.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	return tx.Record(ctx, store.InstanceDomainRemoved, store.InstanceObject(of), store.Payload{Public: map[string]any{"domain": name}})
}

// SetPrimary makes a domain the primary one of its instance. It returns
// fault.DomainUnknown, or fault.NothingChanged when it is already.
func SetPrimary(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (store.Change, error) {
	row, err := find(ctx, tx, of, name)
	if err != nil {
		return store.Change{}, err
	}
	if row.IsPrimary {
		return store.Change{}, fault.NothingChanged.With()
	}
	change, err := tx.Record(ctx, store.InstanceDomainPrimarySet, store.InstanceObject(of), store.Payload{Public: map[string]any{"domain": name}})
	if err != nil {
		return change, err
	}
	if err := tx.InstanceDomain.Update().Where(instancedomain.IsPrimary(true)).SetIsPrimary(false).SetSequence(change.Sequence).Exec(ctx); err != nil {
		return change, err
	}
	return change, tx.InstanceDomain.UpdateOne(row).SetIsPrimary(true).SetSequence(change.Sequence).Exec(ctx)
}

// find locks the instance and returns its domain: which one is primary is a
// rule over all of them.
func find(ctx context.Context, tx *store.Tx, of *ent.Instance, name string) (*ent.InstanceDomain, error) {
	if err := tx.Lock(ctx, store.InstanceObject(of)); err != nil {
		return nil, err
	}
	row, err := tx.InstanceDomain.Query().Where(instancedomain.Domain(name)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.DomainUnknown.With(name)
	}
	return row, err
}

// SortColumn is a column that domains are sorted by.
type SortColumn int

// The columns that domains are sorted by.
const (
	ByDomain SortColumn = iota
	ByPrimary
	ByGenerated
	ByCreation
)

// List returns a page of the domains of the instance of ctx that match all
// conditions, and how many match.
func List(ctx context.Context, s *store.Store, page store.Page, by SortColumn, conditions ...predicate.InstanceDomain) ([]*ent.InstanceDomain, uint64, error) {
	order := map[SortColumn]func(...sql.OrderTermOption) instancedomain.OrderOption{
		ByDomain:    instancedomain.ByDomain,
		ByPrimary:   instancedomain.ByIsPrimary,
		ByGenerated: instancedomain.ByGenerated,
		ByCreation:  instancedomain.ByCreatedAt,
	}
	return store.List(ctx, s, s.Read().InstanceDomain.Query().Where(conditions...), page, order[by], instancedomain.ByID)
}

// Matching returns the condition that the text of a domain matches.
func Matching(method store.TextMethod, needle string) predicate.InstanceDomain {
	return store.TextMatch(instancedomain.FieldDomain, "", method, needle)
}
