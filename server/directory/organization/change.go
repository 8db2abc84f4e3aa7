package organization

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/organizationdomain"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/removal"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Organizations changes the organizations of an instance.
type Organizations struct {
	Store *store.Store
	// Removals erases what Remove leaves.
	Removals *removal.Runner
}

// Add makes an organization of the instance of ctx, with a first domain below
// the primary one of the instance, and has fill add to it: all or nothing. The
// change is the last one of the organization before fill. An empty id is
// replaced by one of the server's.
//
// It returns fault.OrganizationNameUsed, fault.OrganizationIDTaken for an id
// that the instance has seen, or the error of fill.
func (o *Organizations) Add(ctx context.Context, id, name string, fill func(context.Context, *store.Tx, *ent.Organization, store.Change) error) error {
	brought := id != ""
	if !brought {
		var err error
		if id, err = o.Store.NewID(); err != nil {
			return err
		}
	}
	return o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// fill may make users: before the lock of the instance, for who changes
		// the rule of their names takes the two in this order.
		if err := tx.HoldShared(ctx, store.LoginNames); err != nil {
			return err
		}
		in, err := lockInstance(ctx, tx)
		if err != nil {
			return err
		}
		if brought {
			if err := checkFresh(ctx, tx, in, id); err != nil {
				return err
			}
		}
		parent, err := tx.InstanceDomain.Query().Where(instancedomain.IsPrimary(true)).Only(ctx)
		if err != nil {
			return err
		}
		row, change, err := Create(ctx, tx, in, New{ID: id, Name: name, ParentDomain: parent.Domain})
		if err != nil {
			return err
		}
		return fill(ctx, tx, row, change)
	})
}

// checkFresh returns fault.OrganizationIDTaken for an id that the instance has
// seen, also if its organization is gone, and for its own: policies and events
// belong to one or the other by the id alone.
func checkFresh(ctx context.Context, tx *store.Tx, in *ent.Instance, id string) error {
	if id == in.InstanceID {
		return fault.OrganizationIDTaken.With()
	}
	seen, err := tx.Seen(ctx, store.Object{Type: store.OrganizationType, ID: id})
	if err == nil && seen {
		err = fault.OrganizationIDTaken.With()
	}
	return err
}

// Rename gives an organization another name. Its domains stay. It returns
// fault.OrganizationUnknown, fault.OrganizationNameUsed, or fault.NothingChanged
// for the name that it has.
func (o *Organizations) Rename(ctx context.Context, id, name string) (*ent.Organization, store.Change, error) {
	name, key := store.Text(name), store.Key(name)
	return o.change(ctx, id, func(ctx context.Context, tx *store.Tx, _ *ent.Instance, row *ent.Organization) (change store.Change, err error) {
		if row.Name == name {
			return change, fault.NothingChanged.With()
		}
		change, err = tx.Record(ctx, store.OrgChanged, store.OrganizationObject(row), store.Payload{Public: map[string]any{"name": name}})
		if err != nil {
			return change, err
		}
		return change, taken(tx.Organization.UpdateOne(row).SetName(name).SetNameKey(key).Exec(ctx))
	})
}

// Deactivate ends all tokens of the users of an organization at once. It
// returns fault.OrganizationUnknown, fault.OrganizationInactive when it is
// deactivated already, and what checkUnneeded returns.
func (o *Organizations) Deactivate(ctx context.Context, id string) (*ent.Organization, store.Change, error) {
	return o.change(ctx, id, func(ctx context.Context, tx *store.Tx, in *ent.Instance, row *ent.Organization) (change store.Change, err error) {
		if row.State != organization.StateActive {
			return change, fault.OrganizationInactive.With()
		}
		if err := checkUnneeded(ctx, tx, in, row); err != nil {
			return change, err
		}
		if change, err = tx.Record(ctx, store.OrgDeactivated, store.OrganizationObject(row), store.Payload{}); err != nil {
			return change, err
		}
		return change, tx.Organization.UpdateOne(row).SetState(organization.StateInactive).Exec(ctx)
	})
}

// Reactivate lets the users of an organization in again. It returns
// fault.OrganizationUnknown, or fault.OrganizationActive.
func (o *Organizations) Reactivate(ctx context.Context, id string) (*ent.Organization, store.Change, error) {
	return o.change(ctx, id, func(ctx context.Context, tx *store.Tx, _ *ent.Instance, row *ent.Organization) (change store.Change, err error) {
		if row.State != organization.StateInactive {
			return change, fault.OrganizationActive.With()
		}
		if change, err = tx.Record(ctx, store.OrgReactivated, store.OrganizationObject(row), store.Payload{}); err != nil {
			return change, err
		}
		return change, tx.Organization.UpdateOne(row).SetState(organization.StateActive).Exec(ctx)
	})
}

// Remove removes an organization with everything in it. Nothing of it is seen
// from now on, and its name and its domains are free; the rows go in the
// background. It returns fault.OrganizationUnknown, and what checkUnneeded
// returns.
func (o *Organizations) Remove(ctx context.Context, id string) (*ent.Organization, store.Change, error) {
	row, change, err := o.change(ctx, id, remove)
	if err == nil {
		o.Removals.Wake()
	}
	return row, change, err
}

func remove(ctx context.Context, tx *store.Tx, in *ent.Instance, row *ent.Organization) (change store.Change, err error) {
	// Who writes in it is waited for, and comes too late afterwards.
	if err := tx.LockToRemove(ctx, store.OrganizationObject(row)); err != nil {
		return change, err
	}
	if err := checkUnneeded(ctx, tx, in, row); err != nil {
		return change, err
	}
	if change, err = tx.Record(ctx, store.OrgRemoved, store.OrganizationObject(row), store.Payload{}); err != nil {
		return change, err
	}
	if _, err := tx.OrganizationDomain.Delete().Where(organizationdomain.OrganizationPk(row.ID)).Exec(ctx); err != nil {
		return change, err
	}
	return change, tx.Organization.Update().Where(organization.ID(row.ID)).
		SetState(organization.StateRemoved).SetName("").SetNameKey(freed(row.OrganizationID)).Exec(ctx)
}

// freed returns the key of a removed organization in place of its name's. No
// text has it, for it is not UTF-8.
func freed(id string) []byte { return append([]byte{0xff}, id...) }

// change runs f in a transaction with an organization and its instance, both
// locked: which organization is the default one, and who is left to look after
// the instance and other organizations, are rules over several rows.
func (o *Organizations) change(ctx context.Context, id string, f func(context.Context, *store.Tx, *ent.Instance, *ent.Organization) (store.Change, error)) (row *ent.Organization, change store.Change, err error) {
	err = o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Hold(ctx, store.Owners); err != nil {
			return err
		}
		in, err := lockInstance(ctx, tx)
		if err != nil {
			return err
		}
		if row, err = Get(ctx, tx.Organization, id); err != nil {
			return err
		}
		if err := tx.Lock(ctx, store.OrganizationObject(row)); err != nil {
			if errors.Is(err, fault.NotFound) {
				err = fault.OrganizationUnknown.With().Because(err)
			}
			return err
		}
		if row, err = Get(ctx, tx.Organization, id); err != nil { // as it is now that nobody else changes it
			return err
		}
		change, err = f(ctx, tx, in, row)
		return err
	})
	return row, change, err
}

// lockInstance returns the instance of ctx as it is while it is locked, or
// fault.InstanceUnknown.
func lockInstance(ctx context.Context, tx *store.Tx) (*ent.Instance, error) {
	for locked := false; ; locked = true {
		row, err := tx.Instance.Query().Only(ctx) // the scope of ctx leaves one
		if ent.IsNotFound(err) {
			return nil, fault.InstanceUnknown.With()
		}
		if err != nil || locked {
			return row, err
		}
		if err := tx.Lock(ctx, store.InstanceObject(row)); err != nil {
			return nil, err
		}
	}
}

// checkUnneeded returns fault.OrganizationDefault for the default organization
// of an instance, and fault.OrganizationOwner or fault.OrganizationNeeded if
// nobody outside of the organization could look after the instance or another
// organization.
func checkUnneeded(ctx context.Context, tx *store.Tx, in *ent.Instance, row *ent.Organization) error {
	if in.DefaultOrganizationID == row.OrganizationID {
		return fault.OrganizationDefault.With()
	}
	return membership.KeepOwnersOutside(ctx, tx, in, row)
}
