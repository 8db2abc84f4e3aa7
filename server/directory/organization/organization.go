// Package organization has what more than one call does with organizations.
package organization

import (
	"context"
	"errors"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// New is an organization to be created.
type New struct {
	ID   string
	Name string
	// ParentDomain is what its first domain is made below.
	ParentDomain string
}

// Create adds an organization with its first domain to an instance. It returns
// fault.OrganizationNameUsed when the name is taken.
func Create(ctx context.Context, tx *store.Tx, in *ent.Instance, n New) (*ent.Organization, store.Change, error) {
	row, err := tx.Organization.Create().
		SetOrganizationID(n.ID).SetTenant(in).
		SetName(store.Text(n.Name)).SetNameKey(store.Key(n.Name)).
		Save(ctx)
	if err != nil {
		return nil, store.Change{}, taken(err)
	}
	object := store.OrganizationObject(row)
	if _, err := tx.Record(ctx, store.OrgAdded, object, store.Payload{Public: map[string]any{"name": row.Name}}); err != nil {
		return nil, store.Change{}, err
	}
	name, err := firstDomain(ctx, tx, n)
	if err != nil {
		return nil, store.Change{}, err
	}
	payload := store.Payload{Public: map[string]any{"domain": name}}
	var change store.Change
	for _, step := range []store.EventType{store.OrgDomainAdded, store.OrgDomainVerified, store.OrgDomainPrimarySet} {
		if change, err = tx.Record(ctx, step, object, payload); err != nil {
			return nil, change, err
		}
	}
	err = tx.OrganizationDomain.Create().SetOrganization(row).SetDomain(name).
		SetVerified(true).SetIsPrimary(true).SetSequence(change.Sequence).Exec(ctx)
	return row, change, err
}

// firstDomain returns a domain for an organization that no other one of the
// instance has: different names can be cut down to the same label.
func firstDomain(ctx context.Context, tx *store.Tx, n New) (string, error) {
	name := domain.OfOrganization(n.Name, n.ParentDomain)
	used, err := tx.OrganizationDomain.Query().
		Where(organizationdomain.Domain(name), organizationdomain.Verified(true)).Exist(ctx)
	if used {
		name = domain.OfAnotherOrganization(n.Name, n.ParentDomain)
	}
	return name, err
}

// taken makes of a name or an id that another row has the fault that says so.
func taken(err error) error {
	switch {
	case store.TakenColumn(err) == organization.FieldOrganizationID:
		return fault.OrganizationIDTaken.With().Because(err)
	case errors.Is(store.Fault(err), fault.AlreadyExists):
		return fault.OrganizationNameUsed.With().Because(err)
	}
	return err
}

// Exists reports whether the instance of ctx has the organization.
func Exists(ctx context.Context, s *store.Store, id string) (bool, error) {
	return s.Read().Organization.Query().Where(organization.OrganizationID(id)).Exist(ctx)
}

// Get returns the organization of the instance of ctx, or
// fault.OrganizationUnknown. It serves reads and transactions alike.
func Get(ctx context.Context, organizations *ent.OrganizationClient, id string) (*ent.Organization, error) {
	return only(ctx, organizations.Query().Where(organization.OrganizationID(id)))
}

// WithPrimaryDomain is Get with the primary domain loaded.
func WithPrimaryDomain(ctx context.Context, s *store.Store, id string) (*ent.Organization, error) {
	return only(ctx, s.Read().Organization.Query().Where(organization.OrganizationID(id)).WithDomains(primary))
}

// Default returns the default organization of the instance of ctx with its
// primary domain loaded, or fault.OrganizationUnknown. It is one statement:
// between two the default could change, and the old one go.
func Default(ctx context.Context, s *store.Store) (*ent.Organization, error) {
	isDefault := func(q *sql.Selector) {
		in := sql.Table(instance.Table)
		q.Where(sql.In(q.C(organization.FieldOrganizationID), sql.Dialect(q.Dialect()).
			Select(in.C(instance.FieldDefaultOrganizationID)).From(in).
			Where(sql.ColumnsEQ(in.C(instance.FieldInstanceID), q.C(organization.FieldInstanceID)))))
	}
	return only(ctx, s.Read().Organization.Query().Where(isDefault).WithDomains(primary))
}

// OfDomain returns the organization that has the verified domain, which is in
// its ASCII form, with its primary domain loaded, or fault.OrganizationUnknown.
func OfDomain(ctx context.Context, s *store.Store, name string) (*ent.Organization, error) {
	return only(ctx, s.Read().Organization.Query().
		Where(organization.HasDomainsWith(organizationdomain.Domain(name), organizationdomain.Verified(true))).
		WithDomains(primary))
}

// primary leaves of the domains of an organization the primary one.
func primary(q *ent.OrganizationDomainQuery) { q.Where(organizationdomain.IsPrimary(true)) }

func only(ctx context.Context, q *ent.OrganizationQuery) (*ent.Organization, error) {
	row, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.OrganizationUnknown.With()
	}
	return row, err
}
