//go:build unix

package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// A list is read on from the position of its last row, whatever kind of column
// it is sorted by, its own or another table's, and with all values alike.
func TestListGoesOn(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		const rows = 21
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			for i := range rows - 1 {
				u := newUser(tx, own.organization, fmt.Sprintf("user %c", 'z'-i)).SetEmailVerified(i%2 == 0).SetGender(int32(i % 3))
				if err := u.Exec(ctx); err != nil {
					return err
				}
			}
			_, err := tx.Record(ctx, UserMachineAdded, UserObject(own.user), Payload{})
			return err
		})
		for name, column := range map[string]func(...sql.OrderTermOption) user.OrderOption{
			"flag": user.ByEmailVerified, "number": user.ByGender, "text": user.ByUserName, "bytes": byNameKey,
			"time": user.ByCreatedAt, "enum": user.ByType, "unique": user.ByID,
			"expression": byRank,
			"join": func(o ...sql.OrderTermOption) user.OrderOption {
				return user.ByOrganizationField(organization.FieldName, o...)
			},
		} {
			for _, ascending := range []bool{true, false} {
				page := Page{Limit: rows, Ascending: ascending}
				var whole, got []int64
				all, _, err := List(own.ctx, s, s.Read().User.Query(), page, column, user.ByID)
				if err != nil || len(all) != rows {
					t.Fatalf("%s: %d rows, %v", name, len(all), err)
				}
				for _, u := range all {
					whole = append(whole, u.ID)
				}
				page.Limit = 4
				paging := new(caller.Paging)
				for {
					some, total, err := List(caller.WithPaging(own.ctx, paging), s, s.Read().User.Query(), page, column, user.ByID)
					if err != nil || total != rows || len(some) > 4 {
						t.Fatalf("%s: %d rows of %d, %v", name, len(some), total, err)
					}
					for _, u := range some {
						got = append(got, u.ID)
					}
					if paging.Next == nil {
						break
					}
					paging = &caller.Paging{After: paging.Next}
				}
				if !slices.Equal(got, whole) {
					t.Errorf("%s, ascending %t: got %v, want %v", name, ascending, got, whole)
				}
			}
		}
	})
}

func byNameKey(o ...sql.OrderTermOption) user.OrderOption {
	return sql.OrderByField(user.FieldNameKey, o...).ToFunc()
}

func byRank(o ...sql.OrderTermOption) user.OrderOption {
	return func(s *sql.Selector) {
		s.OrderExprFunc(func(b *sql.Builder) {
			b.WriteString("CASE " + s.C(user.FieldGender) + " WHEN 1 THEN 0 ELSE 1 END")
			if sql.NewOrderTermOptions(o...).Desc {
				b.WriteString(" DESC")
			}
		})
	}
}

// Only the list that answers a call is read by its page token.
func TestListTakesThePosition(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	own := newTenant(t, s, "one")
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "another") })
	paging := new(caller.Paging)
	ctx := caller.WithPaging(own.ctx, paging)
	for range 2 {
		if _, _, err := List(ctx, s, s.Read().Organization.Query(), Page{Limit: 1}, organization.ByID); err != nil {
			t.Fatal(err)
		}
		if paging.Next == nil {
			t.Error("the first list has no next page")
		}
		paging.Next = []byte("kept")
	}
	if string(paging.Next) != "kept" {
		t.Errorf("the second list goes on at %s", paging.Next)
	}
}

func TestListRefusesAPosition(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	own := newTenant(t, s, "one")
	position := func(values ...any) []byte {
		data, err := formatPosition(values)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	backwards := func(...sql.OrderTermOption) organization.OrderOption { return organization.ByID(sql.OrderDesc()) }
	argument := func(...sql.OrderTermOption) organization.OrderOption {
		return func(s *sql.Selector) { s.OrderExpr(sql.Expr("coalesce(name, ?)", "a")) }
	}
	for name, test := range map[string]struct {
		after []byte
		page  Page
		by    func(...sql.OrderTermOption) organization.OrderOption
		says  string
	}{
		"an offset as well": {position(int64(1)), Page{Offset: 1}, organization.ByID, fault.PageOffset.Field("query.offset").Message()},
		"too few values":    {position(), Page{}, organization.ByID, fault.PageToken.With().Message()},
		"too many values":   {position(int64(1), "a"), Page{}, organization.ByID, fault.PageToken.With().Message()},
		"no position":       {[]byte("position"), Page{}, organization.ByID, fault.PageToken.With().Message()},
		"other direction":   {nil, Page{Ascending: true}, backwards, "sorted by `organizations`.`id` DESC"},
		"an argument":       {nil, Page{Ascending: true}, argument, "sorted by coalesce(name, ?)"},
	} {
		_, _, err := List(caller.WithPaging(own.ctx, &caller.Paging{After: test.after}), s, s.Read().Organization.Query(), test.page, test.by)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
	if _, err := formatPosition([]any{nil}); err == nil {
		t.Error("NULL has a position")
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, values := range [][]any{{}, {int64(-1), "ä", []byte{}, true, time.UnixMicro(1).UTC()}} {
		data, err := formatPosition(values)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`[{}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parsePosition(data)
		if err != nil {
			return
		}
		again, err := formatPosition(values)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if same, err := parsePosition(again); err != nil || fmt.Sprint(same...) != fmt.Sprint(values...) {
			t.Fatalf("%q is %v, and then %v, %v", data, values, same, err)
		}
	})
}
