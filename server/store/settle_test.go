//go:build unix

package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent/event"
)

// Whoever reads on from where the history is settled misses no event that got
// a lower position and was committed later.
func TestSettledPosition(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		record := func(ctx context.Context, tx *Tx, of tenant) error {
			_, err := tx.Record(ctx, UserLocked, UserObject(of.user), Payload{})
			return err
		}
		settled := func() int64 {
			t.Helper()
			position, err := s.SettledPosition(own.ctx)
			if err != nil {
				t.Fatal(err)
			}
			return position
		}
		before := settled()
		write(t, s, other.ctx, func(ctx context.Context, tx *Tx) error { return record(ctx, tx, other) })
		if after := settled(); after != before || before == 0 {
			t.Errorf("what another instance does moves the position from %d to %d", before, after)
		}
		if s.turn != nil {
			write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return record(ctx, tx, own) })
			if after := settled(); after <= before {
				t.Errorf("the position stays at %d", after)
			}
			return
		}
		added, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			ended <- s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				err := tx.Event.Create().SetAggregateType(UserType).SetAggregateID("elsewhere").SetOwnerID("o").SetSequence(1).
					SetType(string(UserLocked)).SetEditorType(event.EditorTypeNone).SetEditorID("").SetCreatedAt(tx.now).Exec(ctx)
				close(added)
				<-end
				return err
			})
		}()
		<-added
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return record(ctx, tx, own) })
		// However long it waits, the lower position may still be taken.
		waiting, cancel := context.WithTimeout(own.ctx, 50*time.Millisecond)
		defer cancel()
		if position, err := s.SettledPosition(waiting); !errors.Is(Fault(err), context.DeadlineExceeded) {
			t.Errorf("the history is settled at %d, %v, while a lower position is open", position, err)
		}
		close(end)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		events, err := s.Read().Event.Query().Where(event.IDGT(before), event.IDLTE(settled())).Count(own.ctx)
		if err != nil || events != 2 {
			t.Errorf("%d events, %v", events, err)
		}
	})
}
