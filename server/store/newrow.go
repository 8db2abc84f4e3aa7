package store

import (
	"slices"
	"strconv"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/instance"
)

// NewRow describes the row of an Insertion: the values of its columns, the rows
// that it refers to, and what these must be like.
type NewRow struct {
	table    string
	selector *entsql.Selector
	columns  []string
	given    int
	joined   int
	// byHand has the foreign keys that are set to a value as it is.
	byHand []string
	locks  []rowLock
	renew  *renewal
}

// rowLock keeps a row as it is until the statement has ended.
type rowLock struct{ alias, strength string }

// renewal is what becomes of a row that is there already.
type renewal struct {
	column string
	before any
	unique []string
}

// nth is a value that each run of an Insertion brings.
type nth int

// newRow describes a row of the instance of the context, which has to be there.
func (s *Store) newRow(table string) *NewRow {
	instances := entsql.Table(instance.Table)
	r := &NewRow{
		table:    table,
		selector: entsql.Dialect(s.dialect).Select().From(instances),
		locks:    []rowLock{{instance.Table, whileThere}},
	}
	r.selector.Where(entsql.And(
		entsql.EQ(instances.C(instanceColumn), ownInstance),
		entsql.EQ(instances.C(instance.FieldState), instance.StateActive),
	))
	r.Set(instanceColumn, ownInstance)
	for column, of := range foreignKeys[table] {
		if of == instance.Table {
			r.setTo(column, instances)
		}
	}
	return r
}

// Given returns the place of the next value that each run brings.
func (r *NewRow) Given() any {
	r.given++
	return nth(r.given - 1)
}

// Set sets a column to a value, which may be Given.
func (r *NewRow) Set(column string, value any) {
	if _, foreign := foreignKeys[r.table][column]; foreign {
		r.byHand = append(r.byHand, column)
	}
	r.columns = append(r.columns, column)
	r.selector.AppendSelectExpr(entsql.ExprFunc(func(b *entsql.Builder) { b.Arg(value) }))
}

// Refer sets a foreign key to the row of the instance that has the primary key,
// which may be Given, and keeps that row. It returns it, for conditions.
func (r *NewRow) Refer(column string, key any) *NamedRow {
	row := r.Join(foreignKeys[r.table][column], primaryKey, key)
	r.setTo(column, row.SelectTable)
	r.Keep(row)
	return row
}

func (r *NewRow) setTo(column string, row *entsql.SelectTable) {
	r.columns = append(r.columns, column)
	r.selector.AppendSelect(row.C(primaryKey))
}

// NamedRow is a row of another table that an Insertion asks for.
type NamedRow struct {
	*entsql.SelectTable
	alias string
}

// Join asks for the one row of another table of the instance whose column has
// the value: one that is Given, or a column of a row joined before. There must
// be no second one.
func (r *NewRow) Join(table, column string, value any) *NamedRow {
	r.joined++
	row := &NamedRow{entsql.Table(table), "t" + strconv.Itoa(r.joined)}
	row.As(row.alias)
	r.selector.Join(row.SelectTable)
	found := entsql.EQ(row.C(column), value)
	if other, ok := value.(Column); ok {
		found = entsql.ColumnsEQ(row.C(column), string(other))
	}
	// The instance is given for each table, for the sake of its index.
	r.selector.OnP(entsql.And(found, entsql.EQ(row.C(instanceColumn), ownInstance)))
	return row
}

// Column is a column of a row that was joined, by its name in the statement.
type Column string

// Of returns a column of the row, to join another by.
func (n *NamedRow) Of(column string) Column { return Column(n.C(column)) }

// Where adds a condition on rows that were joined.
func (r *NewRow) Where(condition *entsql.Predicate) { r.selector.Where(condition) }

// Keep has nobody remove a row that was joined before the new one can be seen.
// Who wants to waits, and then finds the new row; and the new row is not added
// if the other was removed while it waited in turn. Rows are kept in the order
// of the calls, after the instance.
func (r *NewRow) Keep(row *NamedRow) { r.locks = append(r.locks, rowLock{row.alias, whileThere}) }

// KeepUnchanged is Keep, but nobody changes the row either.
func (r *NewRow) KeepUnchanged(row *NamedRow) {
	r.locks = slices.DeleteFunc(r.locks, func(l rowLock) bool { return l.alias == row.alias })
	r.locks = append(r.locks, rowLock{row.alias, whileSame})
}

// Renew takes the place of a row that is equal in the columns of a unique index,
// if a column of that one, which the new row sets, is not later than before.
func (r *NewRow) Renew(column string, before any, unique ...string) {
	r.renew = &renewal{column: column, before: before, unique: unique}
}

// statement returns the text of the statement and its arguments.
func (r *NewRow) statement() (string, []any) {
	b := &entsql.Builder{}
	b.SetDialect(r.selector.Dialect())
	b.WriteString("INSERT INTO ").Ident(r.table).WriteString(" (").IdentComma(r.columns...).WriteString(") ").Join(r.selector)
	if r.selector.Dialect() == dialect.Postgres {
		for _, lock := range r.locks {
			b.Pad().WriteString(lock.strength).WriteString(" OF ").Ident(lock.alias)
		}
	}
	if n := r.renew; n != nil {
		b.WriteString(" ON CONFLICT (").IdentComma(n.unique...).WriteString(") DO UPDATE SET ")
		b.Ident(n.column).WriteString(" = excluded.").Ident(n.column)
		b.WriteString(" WHERE ").Ident(r.table).WriteString(".").Ident(n.column).WriteString(" <= ").Arg(n.before)
	}
	return b.Query()
}
