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

// Unlisted returns the value of a column, which holds a list of texts, without
// one of them.
func Unlisted(column, text string) sql.Querier {
	return sql.ExprFunc(func(b *sql.Builder) {
		if b.Dialect() == dialect.Postgres {
			b.Ident(column).WriteString(" - CAST(").Arg(text).WriteString(" AS text)")
			return
		}
		b.WriteString("(SELECT CAST(json_group_array(value) AS BLOB) FROM json_each(").Ident(column).
			WriteString(") WHERE value <> ").Arg(text).WriteString(")")
	})
}
