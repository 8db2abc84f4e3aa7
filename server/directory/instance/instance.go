package instance

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/instancedomain"
	entorganization "github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Get returns the instance of ctx, or fault.InstanceUnknown. It serves reads
// and transactions alike.
func Get(ctx context.Context, instances *ent.InstanceClient) (*ent.Instance, error) {
	row, err := instances.Query().Only(ctx) // the scope of ctx leaves one
	if ent.IsNotFound(err) {
		err = fault.InstanceUnknown.With()
	}
	return row, err
}

// Rename gives the instance of ctx another name. It returns
// fault.InstanceUnknown, or fault.NothingChanged for the name that it has.
func (i *Instances) Rename(ctx context.Context, name string) (row *ent.Instance, change store.Change, err error) {
	err = i.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if row, err = lock(ctx, tx); err != nil {
			return err
		}
		if row.Name == store.Text(name) {
			return fault.NothingChanged.With()
		}
		if err := tx.Instance.UpdateOne(row).SetName(store.Text(name)).SetNameKey(store.Key(name)).Exec(ctx); err != nil {
			return err
		}
		change, err = tx.Record(ctx, store.InstanceChanged, store.InstanceObject(row), store.Payload{Public: map[string]any{"name": store.Text(name)}})
		return err
	})
	return row, change, err
}

// SetDefaultOrganization makes an organization the default one of the instance
// of ctx. It returns fault.OrganizationUnknown, fault.OrganizationInactive, or
// fault.NothingChanged when it is already.
func SetDefaultOrganization(ctx context.Context, tx *store.Tx, id string) (row *ent.Instance, change store.Change, err error) {
	if row, err = Get(ctx, tx.Instance); err != nil {
		return row, change, err
	}
	// Meanwhile the organization is not removed, nor deactivated.
	if err := tx.Lock(ctx, store.InstanceObject(row)); err != nil {
		return row, change, err
	}
	if row, err = Get(ctx, tx.Instance); err != nil {
		return row, change, err
	}
	org, err := organization.Get(ctx, tx.Organization, id)
	switch {
	case err != nil:
		return row, change, err
	case org.OrganizationID == row.DefaultOrganizationID:
		return row, change, fault.NothingChanged.With()
	case org.State != entorganization.StateActive:
		return row, change, fault.OrganizationInactive.With()
	}
	change, err = tx.Record(ctx, store.InstanceDefaultOrgSet, store.InstanceObject(row), store.Payload{Public: map[string]any{"orgId": id}})
	if err != nil {
		return row, change, err
	}
	return row, change, tx.Instance.UpdateOne(row).SetDefaultOrganizationID(id).Exec(ctx)
}

// Remove removes the instance of ctx with everything in it but the history,
// from which all that tells of people is taken. It waits for those who write
// in it. Nothing of the instance is seen from now on, and its domains are free;
// the rows go in the background. It returns fault.InstanceUnknown when another
// one removed it first.
func (i *Instances) Remove(ctx context.Context) (row *ent.Instance, change store.Change, err error) {
	err = i.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if row, err = Get(ctx, tx.Instance); err != nil {
			return err
		}
		if err := tx.LockToRemove(ctx, store.InstanceObject(row)); err != nil {
			return err
		}
		if change, err = tx.Record(ctx, store.InstanceRemoved, store.InstanceObject(row), store.Payload{}); err != nil {
			return err
		}
		if _, err := tx.InstanceDomain.Delete().Exec(ctx); err != nil {
			return err
		}
		return tx.Instance.Update().SetState(instance.StateRemoved).Exec(ctx)
	})
	if err == nil {
		i.Removals.Wake()
	}
	return row, change, err
}

// Exists reports whether the installation has the instance.
func Exists(ctx context.Context, s *store.Store, id string) (bool, error) {
	return s.Read().Instance.Query().Where(instance.InstanceID(id)).Exist(ctx)
}

// WithDomains returns the instance of ctx with its domains, the primary one
// first, or fault.InstanceUnknown.
func WithDomains(ctx context.Context, s *store.Store) (*ent.Instance, error) {
	row, err := s.Read().Instance.Query().WithDomains(SortDomains).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.InstanceUnknown.With()
	}
	return row, err
}

// SortDomains makes a query of domains answer with the primary one first.
func SortDomains(q *ent.InstanceDomainQuery) {
	q.Order(instancedomain.ByIsPrimary(sql.OrderDesc()), instancedomain.ByID())
}
