package store

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

// The locks of rows. SQLite has one writer, so that nothing is locked there.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
const (
	// whileThere is taken on the instance by every transaction that writes in
	// it. The row stays until they end; they do not wait for each other, nor
	// for those that count a change on it.
	whileThere = "FOR KEY SHARE"
	// whileUnchanged lets others add rows that point at the locked one: members
	// of an instance are counted while users are added to it.
	whileUnchanged = "FOR NO KEY UPDATE"
	// whileSame waits for those that change the row, and they for it.
	whileSame = "FOR SHARE"
	// alone waits for all of the above, and they for it.
	alone = "FOR UPDATE"
)

// Lock makes other transactions that lock the object, or count a change on it,
// wait until this one ends. A rule over several rows locks their parent first.
// It returns fault.NotFound when the object is gone.
func (tx *Tx) Lock(ctx context.Context, object Object) error {
	if err := tx.join(ctx); err != nil {
		return err
	}
	return tx.lock(ctx, object, whileUnchanged)
}

// LockToRemove waits for every other transaction that writes below the object,
// and makes later ones wait until this one ends. What is removed with all that
// belongs to it is locked by it, before anything else of the transaction. It
// returns fault.NotFound when the object is gone.
func (tx *Tx) LockToRemove(ctx context.Context, object Object) error {
	if object.Type == InstanceType {
		tx.joined = true // else two that remove it would wait for each other
	} else if err := tx.join(ctx); err != nil {
		return err
	}
	return tx.lock(ctx, object, alone)
}

func (tx *Tx) lock(ctx context.Context, object Object, strength string) error {
	if tx.store.dialect == dialect.SQLite {
		return nil
	}
	found, err := tx.exists(ctx,
		`SELECT 1 FROM `+quote(object.row.table)+` WHERE id = $1 AND instance_id = $2`+stillThere(object.row.table)+` `+strength,
		object.row.key, caller.InstanceOf(ctx).ID)
	if err == nil && !found {
		err = gone(object)
	}
	return err
}

// gone says that another transaction removed the object.
func gone(object Object) error {
	cause := fmt.Errorf("store: %s %s is not there", object.Type, object.ID)
	if object.Type == InstanceType {
		return fault.InstanceUnknown.With().Because(cause)
	}
	return fault.RowMissing.With().Because(cause)
}

// join holds the instance of ctx until the transaction ends, so that it is not
// removed under rows that are added to it. It returns fault.InstanceUnknown if
// it is gone. What works across instances only changes rows that it finds.
func (tx *Tx) join(ctx context.Context) error {
	if tx.joined || across.Is(ctx) || caller.InstanceOf(ctx).ID == "" {
		return nil
	}
	query := `SELECT 1 FROM ` + quote(instance.Table) + ` WHERE instance_id = ?` + stillThere(instance.Table)
	if tx.store.dialect == dialect.Postgres {
		query += " " + whileThere
	}
	found, err := tx.exists(ctx, tx.store.rebind(query), caller.InstanceOf(ctx).ID)
	if err == nil && !found {
		err = fault.InstanceUnknown.With()
	}
	tx.joined = err == nil
	return err
}

// joinFor is join before a mutation.
func (tx *Tx) joinFor(ctx context.Context, m ent.Mutation) error {
	switch {
	case ofInstallation(m.Type()):
		return nil
	case m.Type() == ent.TypeInstance && m.Op().Is(ent.OpCreate):
		tx.joined = true // nobody else can see it yet
		return nil
	case onlyLastUse(m):
		return nil // of a token that may be gone, with or without its instance
	}
	return tx.join(ctx)
}

// exists reports whether a query finds a row.
func (tx *Tx) exists(ctx context.Context, query string, args ...any) (found bool, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if found = rows.Next(); found {
		return true, rows.Close()
	}
	return false, rows.Err()
}

// Alone is a condition that waits for all who work on the rows, or add others
// that point at them, and makes later ones wait until the transaction ends.
func Alone(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}
