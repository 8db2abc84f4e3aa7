package store

import (
	"context"
	"errors"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/intercept"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store/across"
)

// instanceColumn is in every table but those of the installation.
const instanceColumn = "instance_id"

// errNoInstance is a mistake in the program, never of the caller.
var errNoInstance = errors.New("store: the context names no instance")

// ofInstallation reports whether the rows of a type belong to no instance.
func ofInstallation(entity string) bool {
	return entity == ent.TypeInstallation || entity == ent.TypeWorkerLease
}

// scope returns the instance that ctx is confined to; empty means all.
func scope(ctx context.Context) (string, error) {
	if id := caller.InstanceOf(ctx).ID; id != "" && !across.Is(ctx) {
		return id, nil
	}
	if across.Is(ctx) {
		return "", nil
	}
	return "", errNoInstance
}

// confine makes a client refuse to look beyond the instance of the context, and
// at what was removed.
func confine(client *ent.Client) {
	client.Intercept(intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		if ofInstallation(q.Type()) {
			return nil
		}
		id, err := scope(ctx)
		if err != nil {
			return err
		}
		if id != "" {
			q.WhereP(sql.FieldEQ(instanceColumn, id))
		}
		hideRemoved(ctx, q, id)
		return nil
	}))
	client.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if err := confineMutation(ctx, m); err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	})
}

func confineMutation(ctx context.Context, m ent.Mutation) error {
	if ofInstallation(m.Type()) {
		return nil
	}
	id, err := scope(ctx)
	switch {
	case err != nil:
		return err
	case m.Op().Is(ent.OpCreate):
		if id == "" {
			return errNoInstance // a row must belong somewhere
		}
		return m.SetField(instanceColumn, id)
	case id == "":
		return nil
	}
	filtered, ok := m.(interface {
		WhereP(...func(*sql.Selector))
	})
	if !ok {
		return fmt.Errorf("store: unexpected mutation %T", m)
	}
	filtered.WhereP(sql.FieldEQ(instanceColumn, id))
	return nil
}
