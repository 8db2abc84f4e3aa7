package store

import (
	"context"
	"encoding/json"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/ownerpolicy"
	"github.com/bastide-id/bastide/ent/personaldata"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store/across"
)

// Removed is an organization or an instance that was removed and whose rows are
// still to be erased.
type Removed struct {
	// InstanceID is the instance that Erase has to act in.
	InstanceID string
	row        reference
}

// removedPage bounds what Removed returns at once.
const removedPage = 1000

// Removed returns what is to be erased, not all of it if it is much. It looks
// at all instances, for which ctx has to come from across.Instances.
func (s *Store) Removed(ctx context.Context) ([]Removed, error) {
	if !across.Is(ctx) {
		return nil, errNoInstance
	}
	ctx = withRemoved(ctx)
	instances, err := s.read.Instance.Query().Where(instance.StateEQ(instance.StateRemoved)).Limit(removedPage).All(ctx)
	if err != nil {
		return nil, err
	}
	organizations, err := s.read.Organization.Query().Where(func(q *sql.Selector) {
		q.Where(sql.P(func(b *sql.Builder) { b.Ident(q.C(organization.FieldState)).WriteString(removedState) }))
	}).Limit(removedPage).All(ctx)
	if err != nil {
		return nil, err
	}
	var removed []Removed
	for _, row := range organizations {
		removed = append(removed, Removed{InstanceID: row.InstanceID, row: OrganizationObject(row).row})
	}
	for _, row := range instances {
		removed = append(removed, Removed{InstanceID: row.InstanceID, row: InstanceObject(row).row})
	}
	return removed, nil
}

// Erase deletes about as many rows as the limit of what was removed, in the
// instance of ctx: what points at others first, its own row last. It reports
// whether that one is gone. Of the history it takes what tells of people.
//
// Nothing is recorded: the removal was. Several processes may erase the same.
func (tx *Tx) Erase(ctx context.Context, r Removed, limit int) (done bool, err error) {
	tx.joined = true // its instance may have been removed as well
	if tx.store.dialect == dialect.Postgres {
		found, err := tx.exists(ctx, `SELECT 1 FROM `+quote(r.row.table)+` WHERE id = $1 AND instance_id = $2 `+alone,
			r.row.key, caller.InstanceOf(ctx).ID)
		if err != nil || !found {
			return err == nil, err
		}
	}
	return (&eraser{tx: tx, left: limit}).erase(ctx, r.row.table, []int64{r.row.key})
}

// EraseUsers deletes the users of removed organizations that match all
// conditions, with everything of theirs, so that what has to be unique is free.
// It is for few users: the rest goes in the background.
func (tx *Tx) EraseUsers(ctx context.Context, conditions ...predicate.User) error {
	keys, err := tx.User.Query().Where(conditions...).
		Where(OfRemoved(caller.InstanceOf(ctx).ID)).IDs(withRemoved(ctx))
	if err != nil || len(keys) == 0 {
		return err
	}
	for done := false; !done && err == nil; {
		done, err = (&eraser{tx: tx, left: removedPage}).erase(ctx, user.Table, keys)
	}
	return err
}

// eraser deletes rows with all that belongs to them, until nothing is left of
// what it may delete.
type eraser struct {
	tx   *Tx
	left int
}

// belonging says which rows of a table belong to a row of another: those with
// the same value in two columns.
type belonging struct{ table, column, of string }

// belongings has, by table, what belongs to its rows: by foreign key, or by an
// id that is not one.
var belongings = func() map[string][]belonging {
	all := map[string][]belonging{
		user.Table:         {{personaldata.Table, personaldata.FieldUserID, user.FieldUserID}},
		organization.Table: {{ownerpolicy.Table, ownerpolicy.FieldOwnerID, organization.FieldOrganizationID}},
		instance.Table: {
			{ownerpolicy.Table, ownerpolicy.FieldInstanceID, instance.FieldInstanceID},
			{personaldata.Table, personaldata.FieldInstanceID, instance.FieldInstanceID},
		},
	}
	for table, keys := range foreignKeys {
		for column, parent := range keys {
			all[parent] = append(all[parent], belonging{table, column, primaryKey})
		}
	}
	for _, list := range all {
		// In one order, so that two processes do not wait for each other.
		slices.SortFunc(list, func(a, b belonging) int {
			return slices.Compare([]string{a.table, a.column}, []string{b.table, b.column})
		})
	}
	return all
}()

// primaryKey is the column of that name in every table.
const primaryKey = "id"

// erase deletes rows of a table after everything that belongs to them. It
// reports whether they are gone: not if too much belongs to them.
func (e *eraser) erase(ctx context.Context, table string, keys []int64) (done bool, err error) {
	for _, b := range belongings[table] {
		for {
			if e.left <= 0 {
				return false, nil
			}
			found, err := e.find(ctx, b, table, keys)
			if err != nil {
				return false, err
			}
			if len(found) == 0 {
				break
			}
			if done, err := e.erase(ctx, b.table, found); !done || err != nil {
				return false, err
			}
		}
	}
	if err := e.tx.touch(ctx, kinds[table]); err != nil {
		return false, err
	}
	condition, arg := e.tx.among(primaryKey, keys)
	_, err = e.tx.ExecContext(ctx, e.tx.store.rebind(`DELETE FROM `+quote(table)+` WHERE `+condition), arg)
	e.left -= len(keys)
	return err == nil, err
}

// find returns rows that belong to those of a table, as many as may still be
// deleted. Nobody can add to them until the transaction ends.
func (e *eraser) find(ctx context.Context, b belonging, table string, keys []int64) (found []int64, err error) {
	var args []any
	condition, arg := e.tx.among(b.column, keys)
	if b.of != primaryKey {
		within, inner := e.tx.among(primaryKey, keys)
		condition = `instance_id = ? AND ` + quote(b.column) + ` IN (SELECT ` + quote(b.of) + ` FROM ` + quote(table) + ` WHERE ` + within + `)`
		args, arg = append(args, caller.InstanceOf(ctx).ID), inner
	}
	query := `SELECT id FROM ` + quote(b.table) + ` WHERE ` + condition + ` LIMIT ?`
	if e.tx.store.dialect == dialect.Postgres {
		query += " " + alone
	}
	rows, err := e.tx.QueryContext(ctx, e.tx.store.rebind(query), append(args, arg, e.left)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		found = append(found, key)
	}
	return found, rows.Err()
}

// among returns the condition that a column has one of the values, as a
// statement that is the same for every number of them, and its argument.
func (tx *Tx) among(column string, values []int64) (condition string, arg any) {
	if tx.store.dialect == dialect.Postgres {
		return quote(column) + ` = ANY(?)`, pq.Array(values)
	}
	list, _ := json.Marshal(values) // numbers
	return quote(column) + ` IN (SELECT value FROM json_each(?))`, string(list)
}
