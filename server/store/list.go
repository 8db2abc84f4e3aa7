package store

import (
	"context"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
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

// row is what every row that ent generates can do.
type row interface {
	// Value returns what was selected beside the columns of the row.
	Value(string) (ent.Value, error)
}

// PageSize returns how many rows a request may get that asks for limit, 0 being
// the configured default. It returns fault.Invalid for the request field at
// path when that is over the configured maximum.
func (s *Store) PageSize(limit uint32, path string) (int, error) {
	switch {
	case limit == 0:
		return s.options.DefaultLimit, nil
	case uint64(limit) > uint64(s.options.MaxLimit):
		return 0, fault.ListLimit.Field(path, s.options.MaxLimit)
	}
	return int(limit), nil
}

// List returns a page of the rows that q finds and the number of all of them.
// The rows are sorted by the terms in turn; the last one has to be unique, so
// that pages never overlap. The first list of a call also begins where its page
// token says, and says where the next page does (caller.Paging); the columns
// that it is sorted by hold no NULL.
//
// It returns fault.Invalid for a page over the configured maximum, and for an
// offset beside a page token.
func List[Q query[Q, O, R], O ~func(*sql.Selector), R row](ctx context.Context, s *Store, q Q, page Page, by ...func(...sql.OrderTermOption) O) (rows []R, total uint64, err error) {
	limit, err := s.PageSize(page.Limit, "query.limit")
	if err != nil {
		return nil, 0, err
	}
	paging := caller.TakePaging(ctx)
	k, err := newKeyset(paging, page)
	if err != nil {
		return nil, 0, err
	}
	count, err := q.Clone().Count(ctx)
	if err != nil || page.Offset >= uint64(count) { // also an offset that no int can hold
		return nil, uint64(count), err
	}
	direction := sql.OrderDesc()
	if page.Ascending {
		direction = sql.OrderAsc()
	}
	if paging == nil {
		for _, term := range by {
			q = q.Order(term(direction))
		}
		rows, err = q.Offset(int(page.Offset)).Limit(limit).All(ctx)
		return rows, uint64(count), err
	}
	for _, term := range by {
		q = q.Order(k.sortedBy(term(direction)))
	}
	// One row more tells whether there is a next page.
	rows, err = q.Order(k.begin).Offset(int(page.Offset)).Limit(limit + 1).All(ctx)
	if k.err != nil {
		return nil, 0, k.err
	}
	if err == nil && len(rows) > limit {
		rows = rows[:limit]
		paging.Next, err = k.position(rows[limit-1])
	}
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
