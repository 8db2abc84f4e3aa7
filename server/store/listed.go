package store

import (
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// Listed returns the condition that a column, which holds a list of texts, has
// the text of another column in it. Both are written as in the query.
func Listed(list, text string) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		if b.Dialect() == dialect.Postgres {
			b.WriteString(list + " @> to_jsonb(" + text + ")")
			return
		}
		b.WriteString("EXISTS (SELECT 1 FROM json_each(" + list + ") AS listed WHERE listed.value = " + text + ")")
	})
}
