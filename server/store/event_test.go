//go:build unix

package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

func TestRecord(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		ctx := caller.With(own.ctx, caller.Caller{Kind: caller.User, ID: "editor"})
		var change Change
		var now time.Time
		write(t, s, ctx, func(ctx context.Context, tx *Tx) (err error) {
			now = tx.Now()
			change, err = tx.Record(ctx, UserHumanAdded, UserObject(own.user), Payload{
				Public:   map[string]any{"gender": 1},
				Personal: map[string]any{"email": "erin@example.com"},
			})
			return err
		})
		if want := (Change{Sequence: 2, At: now, OwnerID: own.organization.OrganizationID}); change != want {
			t.Errorf("got %+v, want %+v", change, want)
		}
		row, err := s.Read().Event.Query().Order(ent.Desc(event.FieldID)).WithPersonalData().First(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := []any{row.AggregateType, row.AggregateID, row.OwnerID, row.Sequence, row.Type, row.EditorID, row.CreatedAt.Equal(now), row.Payload["gender"], len(row.Payload)}
		want := []any{"user", own.user.UserID, own.organization.OrganizationID, int64(2), "user.human.added", "editor", true, float64(1), 1}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if len(row.Edges.PersonalData) != 1 {
			t.Fatalf("%d rows of personal data", len(row.Edges.PersonalData))
		}
		if personal := row.Edges.PersonalData[0]; personal.UserID != own.user.UserID || personal.Payload["email"] != "erin@example.com" {
			t.Errorf("personal data of %s: %v", personal.UserID, personal.Payload)
		}
		if text := row.Edges.PersonalData[0].String(); strings.Contains(text, "erin") {
			t.Errorf("personal data can be printed: %s", text)
		}
		changed, err := s.Read().User.Query().Only(own.ctx)
		if err != nil || changed.Sequence != 2 || !changed.ChangedAt.Equal(now) {
			t.Errorf("the user has sequence %d, changed at %v, %v", changed.Sequence, changed.ChangedAt, err)
		}
		if position, err := s.Position(own.ctx); err != nil || position != row.ID {
			t.Errorf("position %d, %v; want %d", position, err, row.ID)
		}
	})
}

// Who acts for the editor is told with what is done, unless that tells of an
// actor itself.
func TestRecordTellsOfTheActor(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		before, err := s.Position(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		ctx := caller.With(own.ctx, caller.Caller{Kind: caller.User, ID: "editor", Actor: "actor"})
		public := map[string]any{"n": 1}
		write(t, s, ctx, func(ctx context.Context, tx *Tx) error {
			user := UserObject(own.user)
			for _, p := range []map[string]any{nil, public, {"actorId": "other"}} {
				if _, err := tx.Record(ctx, UserPATAdded, user, Payload{Public: p}); err != nil {
					return err
				}
				of := func(int) map[string]any { return p }
				if err := tx.RecordAll(ctx, UserPATAdded, []Object{user}, of); err != nil {
					return err
				}
			}
			return tx.RecordAll(ctx, UserPATAdded, []Object{user}, nil)
		})
		if len(public) != 1 {
			t.Errorf("the caller's payload became %v", public)
		}
		rows, err := s.Read().Event.Query().Where(event.IDGT(before)).Order(ent.Asc(event.FieldID)).All(own.ctx)
		if err != nil || len(rows) != 7 {
			t.Fatalf("%d events, %v", len(rows), err)
		}
		for i, want := range []string{"actor", "actor", "actor", "actor", "other", "other", "actor"} {
			number := 1
			if i == 2 || i == 3 {
				number = 2
			}
			if row := rows[i]; row.EditorID != "editor" || row.Payload["actorId"] != want || len(row.Payload) != number {
				t.Errorf("event %d by %s tells %v", i, row.EditorID, row.Payload)
			}
		}
	})
}

func TestRecordCountsWithoutGaps(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		const writers, changes = 8, 10
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range changes {
					for _, at := range []tenant{own, other} {
						err := s.Write(at.ctx, func(ctx context.Context, tx *Tx) error {
							_, err := tx.Record(ctx, UserPATAdded, UserObject(at.user), Payload{})
							return err
						})
						if err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		all.Wait()
		for _, at := range []tenant{own, other} {
			rows, err := s.Read().Event.Query().Order(ent.Asc(event.FieldID)).All(at.ctx)
			if err != nil || len(rows) != 1+writers*changes {
				t.Fatalf("%d events, %v", len(rows), err)
			}
			for i, row := range rows {
				if row.Sequence != int64(i+1) {
					t.Fatalf("event %d of the object has sequence %d", i+1, row.Sequence)
				}
			}
		}
	})
}

func TestRecordOfWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		for name, object := range map[string]Object{
			"foreign user":         UserObject(other.user),
			"foreign organization": OrganizationObject(other.organization),
			"foreign instance":     InstanceObject(other.instance),
			"unknown user":         UserObject(&ent.User{ID: 1 << 40, UserID: "x", ResourceOwner: "y"}),
		} {
			err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				_, err := tx.Record(ctx, UserPATAdded, object, Payload{})
				return err
			})
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if position, err := s.Position(other.ctx); err != nil || position != other.event.ID {
			t.Errorf("the other instance's history is at %d, %v; want %d", position, err, other.event.ID)
		}
	})
}

// A user may be called like a system user: an event tells which one it was.
func TestEventsTellTheKindOfTheirEditor(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		for kind, want := range map[caller.Kind]event.EditorType{
			caller.Anonymous: event.EditorTypeNone,
			caller.User:      event.EditorTypeUser,
			caller.System:    event.EditorTypeSystem,
		} {
			write(t, s, caller.With(own.ctx, caller.Caller{Kind: kind, ID: "system"}), func(ctx context.Context, tx *Tx) error {
				_, err := tx.Record(ctx, UserPATAdded, UserObject(own.user), Payload{})
				return err
			})
			row, err := s.Read().Event.Query().Order(ent.Desc(event.FieldID)).First(own.ctx)
			if err != nil || row.EditorType != want || row.EditorID != "system" {
				t.Errorf("kind %d: the event is %v, %v; want %s", kind, row, err, want)
			}
		}
	})
}

func TestSeen(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{}); err != nil {
				return err
			}
			return tx.User.DeleteOne(own.user).Exec(ctx)
		})
		for _, test := range []struct {
			at   tenant
			id   string
			want bool
		}{
			{own, own.user.UserID, true}, // which is gone
			{own, "nobody", false},
			{own, other.user.UserID, false},
			{other, other.user.UserID, true},
		} {
			write(t, s, test.at.ctx, func(ctx context.Context, tx *Tx) error {
				seen, err := tx.Seen(ctx, Object{Type: UserType, ID: test.id})
				if seen != test.want {
					t.Errorf("%s: seen %v", test.id, seen)
				}
				return err
			})
		}
	})
}
