package store

import "entgo.io/ent/dialect/sql"

// NoLonger is the condition that a column of bytes has at most so many: a
// larger value is not even read.
func NoLonger(column string, bytes int) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString("length(").Ident(s.C(column)).WriteString(") <= ").Arg(bytes)
		}))
	}
}
