package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/ownerpolicy"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Get returns the values that count for an organization: its own, else those
// of the instance of ctx, else the built-in ones. With no organization they are
// those of the instance. It serves reads and transactions alike.
func Get[T any](ctx context.Context, policies *ent.OwnerPolicyClient, kind Kind[T], organizationID string) (T, error) {
	own, general, err := rows(ctx, policies, kind.name, organizationID)
	if err != nil {
		return kind.builtIn, err
	}
	return decode(kind, cmp.Or(own, general))
}

// Found is a policy that counts, and whose it is.
type Found[T any] struct {
	Values T
	// Default is set unless the organization has values of its own.
	Default bool
	// OwnerID is the organization or the instance that decided; nobody else
	// has a sequence and times.
	OwnerID              string
	Sequence             int64
	CreatedAt, ChangedAt time.Time
}

// Find is Get with whose policy it is. The instance stands for the built-in
// values. It returns fault.InstanceUnknown.
func Find[T any](ctx context.Context, s *store.Store, kind Kind[T], organizationID string) (Found[T], error) {
	own, general, err := rows(ctx, s.Read().OwnerPolicy, kind.name, organizationID)
	if err != nil {
		return Found[T]{}, err
	}
	row := cmp.Or(own, general)
	values, err := decode(kind, row)
	if err != nil {
		return Found[T]{}, err
	}
	found := Found[T]{Values: values, Default: own == nil}
	if row != nil {
		found.OwnerID, found.Sequence, found.CreatedAt, found.ChangedAt = row.OwnerID, row.Sequence, row.CreatedAt, row.ChangedAt
		return found, nil
	}
	of, err := s.Read().Instance.Query().Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.InstanceUnknown.With()
	}
	if err != nil {
		return Found[T]{}, err
	}
	found.OwnerID, found.Sequence, found.CreatedAt, found.ChangedAt = of.InstanceID, of.Sequence, of.CreatedAt, of.ChangedAt
	return found, nil
}

// rows returns the row of an organization and that of the instance of ctx; nil
// for one that is not there.
func rows(ctx context.Context, policies *ent.OwnerPolicyClient, kind, organizationID string) (own, general *ent.OwnerPolicy, err error) {
	instanceID := caller.InstanceOf(ctx).ID
	found, err := policies.Query().Where(ownerpolicy.Kind(kind), ownerpolicy.OwnerIDIn(organizationID, instanceID)).All(ctx)
	for _, row := range found {
		if row.OwnerID == instanceID {
			general = row
		} else {
			own = row
		}
	}
	return own, general, err
}

// decode returns the values of a row; the built-in ones if it is nil.
func decode[T any](kind Kind[T], row *ent.OwnerPolicy) (T, error) {
	values := kind.builtIn // a value that is newer than the row has its default
	if row == nil {
		return values, nil
	}
	err := json.Unmarshal(row.Settings, &values)
	return values, err
}
