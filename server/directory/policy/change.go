package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Add gives an organization a policy of its own. set changes the values that
// counted until then. It returns when the policy was created, or
// fault.PolicyExists, fault.OrganizationUnknown and what follows from the kind.
func Add[T any](ctx context.Context, s *store.Store, kind Kind[T], organizationID string, set func(*T)) (store.Change, time.Time, error) {
	return write(ctx, s, kind, organizationID, func(ctx context.Context, e *edit[T]) error {
		if e.row != nil {
			return fault.PolicyExists.With()
		}
		set(&e.values)
		return e.save(ctx)
	})
}

// Update changes the policy of an organization, or that of the instance of ctx
// if none is named. It returns when the policy was created, or
// fault.PolicyMissing for an organization that has none of its own,
// fault.NothingChanged, fault.OrganizationUnknown and what follows from the
// kind.
func Update[T any](ctx context.Context, s *store.Store, kind Kind[T], organizationID string, set func(*T)) (store.Change, time.Time, error) {
	return write(ctx, s, kind, organizationID, func(ctx context.Context, e *edit[T]) error {
		return e.update(ctx, set)
	})
}

// Reset takes the policy of its own from an organization, for which that of the
// instance counts again. It returns when the policy was created, or
// fault.PolicyMissing if there is none, fault.OrganizationUnknown and what
// follows from the kind.
func Reset[T any](ctx context.Context, s *store.Store, kind Kind[T], organizationID string) (store.Change, time.Time, error) {
	return write(ctx, s, kind, organizationID, func(ctx context.Context, e *edit[T]) error {
		if e.row == nil {
			return fault.PolicyMissing.With()
		}
		return e.remove(ctx)
	})
}

// owner is whose policy is changed.
type owner struct {
	id     string
	object store.Object
	types  events
	// organization is nil for the instance.
	organization *ent.Organization
}

// edit is a change of one policy.
type edit[T any] struct {
	tx   *store.Tx
	kind Kind[T]
	owner
	row    *ent.OwnerPolicy // nil if the owner has none
	values T                // what counts
	// What became of it.
	change    store.Change
	createdAt time.Time
}

// write runs f in a transaction that has the policy to itself.
func write[T any](ctx context.Context, s *store.Store, kind Kind[T], organizationID string, f func(context.Context, *edit[T]) error) (store.Change, time.Time, error) {
	var e *edit[T]
	err := s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		e = &edit[T]{tx: tx, kind: kind}
		if err := e.begin(ctx, organizationID); err != nil {
			return err
		}
		return f(ctx, e)
	})
	if err != nil {
		return store.Change{}, time.Time{}, err
	}
	return e.change, e.createdAt, nil
}

func (e *edit[T]) begin(ctx context.Context, organizationID string) (err error) {
	if e.kind.begin != nil {
		if err := e.kind.begin(ctx, e.tx); err != nil {
			return err
		}
	}
	if err := e.find(ctx, organizationID); err != nil {
		return err
	}
	if err := e.tx.Lock(ctx, e.object); err != nil {
		return err
	}
	own, general, err := rows(ctx, e.tx.OwnerPolicy, e.kind.name, organizationID)
	if err != nil {
		return err
	}
	if e.row = own; e.organization == nil {
		e.row = general
	}
	e.values, err = decode(e.kind, cmp.Or(own, general))
	return err
}

// find sets the owner.
func (e *edit[T]) find(ctx context.Context, organizationID string) error {
	if organizationID == "" {
		of, err := e.tx.Instance.Query().Only(ctx)
		if ent.IsNotFound(err) {
			err = fault.InstanceUnknown.With()
		}
		if err == nil {
			e.owner = owner{id: of.InstanceID, object: store.InstanceObject(of), types: e.kind.ofInstance}
		}
		return err
	}
	of, err := e.tx.Organization.Query().Where(organization.OrganizationID(organizationID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.OrganizationUnknown.With()
	}
	if err == nil {
		e.owner = owner{id: of.OrganizationID, object: store.OrganizationObject(of), types: e.kind.ofOrganization, organization: of}
	}
	return err
}

func (e *edit[T]) update(ctx context.Context, set func(*T)) error {
	if e.row == nil && e.organization != nil {
		return fault.PolicyMissing.With()
	}
	before := e.values
	set(&e.values)
	if reflect.DeepEqual(before, e.values) {
		return fault.NothingChanged.With()
	}
	return e.save(ctx)
}

// save stores the values in the owner's row, which is made where there is none.
func (e *edit[T]) save(ctx context.Context) (err error) {
	settings, err := json.Marshal(e.values)
	if err != nil {
		return err
	}
	var payload store.Payload
	if err := json.Unmarshal(settings, &payload.Public); err != nil {
		return err
	}
	if e.row == nil {
		if e.change, err = e.tx.Record(ctx, e.types.added, e.object, payload); err != nil {
			return err
		}
		e.row, err = e.tx.OwnerPolicy.Create().SetOwnerID(e.id).SetKind(e.kind.name).
			SetSettings(settings).SetSequence(e.change.Sequence).Save(ctx)
	} else {
		if e.change, err = e.tx.Record(ctx, e.types.changed, e.object, payload); err != nil {
			return err
		}
		e.row, err = e.tx.OwnerPolicy.UpdateOne(e.row).SetSettings(settings).SetSequence(e.change.Sequence).Save(ctx)
	}
	if err != nil {
		return err
	}
	e.createdAt = e.row.CreatedAt
	return e.follow(ctx, e.values)
}

// remove takes the owner's row away.
func (e *edit[T]) remove(ctx context.Context) (err error) {
	if err := e.tx.OwnerPolicy.DeleteOne(e.row).Exec(ctx); err != nil {
		return err
	}
	if e.change, err = e.tx.Record(ctx, e.types.removed, e.object, store.Payload{}); err != nil {
		return err
	}
	e.createdAt = e.row.CreatedAt
	values, err := Get(ctx, e.tx.OwnerPolicy, e.kind, "")
	if err != nil {
		return err
	}
	return e.follow(ctx, values)
}

func (e *edit[T]) follow(ctx context.Context, values T) error {
	if e.kind.follow == nil {
		return nil
	}
	return e.kind.follow(ctx, e.tx, e.owner, values)
}
