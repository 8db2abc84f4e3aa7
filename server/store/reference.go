package store

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/migrate"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// reference is a row that a foreign key points at.
type reference struct {
	table string
	key   int64
}

// foreignKeys has, by table, the column of each foreign key and the table that
// it points at.
var foreignKeys = func() map[string]map[string]string {
	keys := make(map[string]map[string]string)
	for _, table := range migrate.Tables {
		keys[table.Name] = make(map[string]string)
		for _, key := range table.ForeignKeys {
			keys[table.Name][key.Columns[0].Name] = key.RefTable.Name
		}
	}
	return keys
}()

// checkReferences refuses a foreign key to a row of another instance, or to a
// removed organization, which the database itself would let pass.
func (s *Store) checkReferences(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		tx, err := txOf(ctx)
		if err != nil {
			return nil, err
		}
		held := 0 // edges whose key this row has
		for column, table := range foreignKeys[tables[m.Type()]] {
			value, set := m.Field(column)
			if !set {
				continue
			}
			held++
			key, ok := value.(int64)
			if !ok {
				return nil, fmt.Errorf("store: foreign key %s of %s is a %T", column, m.Type(), value)
			}
			if err := tx.checkOwn(ctx, reference{table: table, key: key}); err != nil {
				return nil, err
			}
		}
		if len(m.AddedEdges()) > held || len(m.RemovedEdges()) > 0 || len(m.ClearedEdges()) > 0 {
			// From its other end an edge is written past every hook.
			return nil, fmt.Errorf("store: an edge of %s must be set on the row that has the key", m.Type())
		}
		value, err := next.Mutate(ctx, m)
		if made, ok := m.(interface{ ID() (int64, bool) }); ok && err == nil && m.Op().Is(ent.OpCreate) {
			if key, exists := made.ID(); exists {
				tx.own[reference{table: tables[m.Type()], key: key}] = true
			}
		}
		return value, err
	})
}

func (tx *Tx) checkOwn(ctx context.Context, r reference) error {
	if tx.own[r] {
		return nil
	}
	query := `SELECT 1 FROM ` + quote(r.table) + ` WHERE id = ? AND instance_id = ?` + stillThere(r.table)
	if r.table == organization.Table && tx.store.dialect == dialect.Postgres {
		query += " " + whileThere // the foreign key takes this lock anyway, but knows no state
	}
	found, err := tx.exists(ctx, tx.store.rebind(query), r.key, caller.InstanceOf(ctx).ID)
	if err == nil && !found {
		err = fault.ReferenceBroken.With()
	}
	tx.own[r] = err == nil
	return err
}
