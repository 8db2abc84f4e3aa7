//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/server/caller"
)

// RecordAll leaves what Record does, for each of many objects.
func TestRecordAll(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		var users []*ent.User
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			for n := range 5 {
				row, err := newUser(tx, own.organization, fmt.Sprint("user ", n)).Save(ctx)
				if err != nil {
					return err
				}
				users = append(users, row)
			}
			_, err := tx.Record(ctx, UserMachineAdded, UserObject(users[1]), Payload{})
			return err
		})
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, UserRemoved, UserObject(users[3]), Payload{}); err != nil {
				return err
			}
			return tx.User.DeleteOne(users[3]).Exec(ctx)
		})
		payload := func(i int) map[string]any { return map[string]any{"n": i, "text": `"<é>"`, "list": []string{"a"}} }
		objects := make([]Object, 0, len(users)+1)
		for _, row := range users {
			objects = append(objects, UserObject(row))
		}
		objects = append(objects, UserObject(other.user)) // of another instance
		before, err := s.Position(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		ctx := caller.With(own.ctx, caller.Caller{Kind: caller.System, ID: "editor"})
		write(t, s, ctx, func(ctx context.Context, tx *Tx) error { return tx.RecordAll(ctx, UserPATAdded, objects, payload) })
		write(t, s, ctx, func(ctx context.Context, tx *Tx) error { // the same, one by one
			for i, object := range objects {
				if i == 3 || i == len(users) {
					continue
				}
				if _, err := tx.Record(ctx, UserPATAdded, object, Payload{Public: payload(i)}); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.Read().Event.Query().Where(event.IDGT(before)).Order(ent.Asc(event.FieldID)).All(own.ctx)
		if err != nil || len(got) != 8 {
			t.Fatalf("%d events were recorded, %v", len(got), err)
		}
		for n, one := range got[:4] {
			same := got[4+n]
			if one.Sequence+1 != same.Sequence {
				t.Errorf("%s has the sequences %d and %d", one.AggregateID, one.Sequence, same.Sequence)
			}
			if one.CreatedAt.After(same.CreatedAt) || one.CreatedAt.IsZero() {
				t.Errorf("%s was at %v and at %v", one.AggregateID, one.CreatedAt, same.CreatedAt)
			}
			one.ID, one.Sequence, one.CreatedAt = same.ID, same.Sequence, same.CreatedAt
			if one.String() != same.String() {
				t.Errorf("got %v, want %v", one, same)
			}
		}
		if n, err := s.Read().Event.Query().Count(other.ctx); err != nil || n != 1 {
			t.Errorf("the other instance has %d events, %v", n, err)
		}
	})
}

func TestRecordAllOfNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		before, err := s.Position(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		gone := UserObject(&ent.User{ID: 1 << 40, UserID: "nobody"})
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			return errors.Join(tx.RecordAll(ctx, UserPATAdded, nil, nil), tx.RecordAll(ctx, UserPATAdded, []Object{gone}, nil))
		})
		if after, err := s.Position(own.ctx); err != nil || after != before {
			t.Errorf("something was recorded, %v", err)
		}
		err = s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
			return tx.RecordAll(ctx, UserPATAdded, []Object{UserObject(own.user), OrganizationObject(own.organization)}, nil)
		})
		wantIs(t, err, errMixed)
	})
}
