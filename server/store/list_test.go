//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/fault"
)

func TestList(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url, DefaultLimit: 4, MaxLimit: 5})
		own := newTenant(t, s, "one")
		newTenant(t, s, "two")
		const rows = 7
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			for i := range rows - 1 {
				if err := addOrganization(ctx, tx, own, fmt.Sprintf("org %d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		ids, err := s.Read().Organization.Query().Order(organization.ByID()).IDs(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			page     Page
			from, to int
		}{
			{Page{}, 0, 4},
			{Page{Limit: 3}, 0, 3},
			{Page{Limit: 5}, 0, 5},
			{Page{Offset: 5, Limit: 3}, 5, 7},
			{Page{Offset: 6}, 6, 7},
			{Page{Offset: 7}, 7, 7},
			{Page{Offset: 1 << 31}, 7, 7},
			{Page{Offset: 1<<63 + 1}, 7, 7},
			{Page{Offset: math.MaxUint64}, 7, 7},
		} {
			for _, ascending := range []bool{true, false} {
				page := test.page
				page.Ascending = ascending
				want := slices.Clone(ids)
				if !ascending {
					slices.Reverse(want)
				}
				// All have one state, so the key alone decides.
				got, total, err := List(own.ctx, s, s.Read().Organization.Query(), page, organization.ByState, organization.ByID)
				if err != nil || total != rows {
					t.Fatalf("%+v: %d in all, %v", page, total, err)
				}
				var keys []int64
				for _, row := range got {
					keys = append(keys, row.ID)
				}
				if !slices.Equal(keys, want[test.from:test.to]) {
					t.Errorf("%+v: got %v, want %v", page, keys, want[test.from:test.to])
				}
			}
		}
	})
}

func TestListRefusesALongPage(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	own := newTenant(t, s, "one")
	for limit, want := range map[uint32]error{1000: nil, 1001: fault.Invalid, math.MaxUint32: fault.Invalid} {
		_, _, err := List(own.ctx, s, s.Read().Organization.Query(), Page{Limit: limit}, organization.ByID)
		if !errors.Is(err, want) {
			t.Errorf("limit %d: %v", limit, err)
		}
		var f *fault.Fault
		if errors.As(err, &f) && (f.Violations()[0].Field != "query.limit" || f.Violations()[0].Message != "must not be more than 1000") {
			t.Errorf("limit %d: %v", limit, f.Violations())
		}
	}
}

// A query keeps its conditions for the count and for the page, and can be used
// again.
func TestListLeavesTheQuery(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		q := s.Read().Organization.Query().Where(func(by *sql.Selector) { by.Where(sql.EQ(by.C(organization.FieldName), "no such")) })
		for range 2 {
			rows, total, err := List(own.ctx, s, q, Page{}, organization.ByID)
			if err != nil || total != 0 || len(rows) != 0 {
				t.Errorf("%d rows of %d, %v", len(rows), total, err)
			}
		}
	})
}
