package store

import (
	"context"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/server/fault"
)

// Page is a piece of a list.
type Page struct {
	Offset uint64
	// Limit 0 means the configured default.
	Limit uint32
	// Ascending order; descending by default.
	Ascending bool
}

// query is what every query that ent generates can do.
type query[Q any, O ~func(*sql.Selector), R any] interface {
	Clone() Q
	Count(context.Context) (int, error)
	Offset(int) Q
	Limit(int) Q
	Order(...O) Q
	All(context.Context) ([]R, error)
}

// List returns a page of the rows that q finds and the number of all of them.
// The rows are sorted by the terms in turn; the last one has to be unique, so
// that pages never overlap. It returns fault.Invalid for a page over the
// configured maximum.
func List[Q query[Q, O, R], O ~func(*sql.Selector), R any](ctx context.Context, s *Store, q Q, page Page, by ...func(...sql.OrderTermOption) O) (rows []R, total uint64, err error) {
	limit := int(page.Limit)
	if limit == 0 {
		limit = s.options.DefaultLimit
	}
	if limit > s.options.MaxLimit {
		return nil, 0, fault.ListLimit.Field("query.limit", s.options.MaxLimit)
	}
	count, err := q.Clone().Count(ctx)
	if err != nil || page.Offset >= uint64(count) { // also an offset that no int can hold
		return nil, uint64(count), err
	}
	direction := sql.OrderDesc()
	if page.Ascending {
		direction = sql.OrderAsc()
	}
	for _, term := range by {
		q = q.Order(term(direction))
	}
	rows, err = q.Offset(int(page.Offset)).Limit(limit).All(ctx)
	return rows, uint64(count), err
}

// ByRank returns a term of List that sorts by where in ranking the value of a
// column stands, for values whose names have an order of their own.
func ByRank[O ~func(*sql.Selector), V ~string](column string, ranking ...V) func(...sql.OrderTermOption) O {
	return func(options ...sql.OrderTermOption) O {
		return func(s *sql.Selector) {
			s.OrderExprFunc(func(b *sql.Builder) {
				b.WriteString("CASE " + s.C(column))
				for rank, value := range ranking {
					// ent has no arguments in what is sorted by.
					text := strings.ReplaceAll(string(value), "'", "''")
					b.WriteString(" WHEN '" + text + "' THEN " + strconv.Itoa(rank))
				}
				b.WriteString(" END")
				if sql.NewOrderTermOptions(options...).Desc {
					b.WriteString(" DESC")
				}
			})
		}
	}
}
