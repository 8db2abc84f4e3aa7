//go:build unix

package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
)

// patientPace loses no connection for being slow.
var patientPace = pace{beat: time.Hour, answer: time.Hour, pause: time.Millisecond, longest: 5 * time.Millisecond}

// call returns the tenant as a call sees it that comes with a position, if any,
// and what becomes of it.
func (of tenant) call(s *Store, came ...caller.Position) (tenant, *caller.Consistency) {
	c := new(caller.Consistency)
	for _, p := range came {
		c.Behind = !shown(s, p)
	}
	of.ctx = caller.WithConsistency(of.ctx, c)
	return of, c
}

// shown reports whether a store has heard of a position, and has it make sure if
// not, as a call does whose caller is authenticated.
func shown(s *Store, p caller.Position) bool {
	heard := s.Heard(p)
	if !heard {
		s.Confirm(p)
	}
	return heard
}

// renamed changes the organization in a call that comes with a position, if any,
// and returns the position that it is given.
func (of tenant) renamed(t *testing.T, s *Store, name string, came ...caller.Position) caller.Position {
	t.Helper()
	call, c := of.call(s, came...)
	write(t, s, call.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, of, name) })
	p, made := c.Changed()
	if !made {
		t.Fatal("a change has no position")
	}
	return p
}

// settled returns once a store has heard of all that was done before.
func settled(t *testing.T, s *Store) {
	t.Helper()
	p := caller.NewPosition()
	eventually(t, func() bool { return shown(s, p) })
}

// A call is given the position of what it committed last, and of nothing else.
func TestPositionOfWrite(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one") // in no call
		call, c := own.call(s)
		failed := errors.New("failed")
		for what, err := range map[string]error{
			"is undone":   s.Write(call.ctx, func(context.Context, *Tx) error { return failed }),
			"is refused":  s.Write(call.ctx, func(ctx context.Context, tx *Tx) error { return tx.User.Update().SetUserName("x").Exec(ctx) }),
			"came late":   s.Write(ended(call.ctx), func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "late") }),
			"never works": s.Write(call.ctx, func(context.Context, *Tx) error { return &pq.Error{Code: "40001"} }),
		} {
			if _, made := c.Changed(); made || err == nil {
				t.Errorf("what %s has a position, and the error %v", what, err)
			}
		}
		runs := 0
		write(t, s, call.ctx, func(ctx context.Context, tx *Tx) error {
			if runs++; runs == 1 {
				return errors.Join(rename(ctx, tx, own, "first"), &pq.Error{Code: "40P01"})
			}
			if _, made := c.Changed(); made {
				t.Error("what was rolled back has a position")
			}
			return rename(ctx, tx, own, "second")
		})
		first, made := c.Changed()
		if !made || runs != 2 {
			t.Fatalf("after %d runs, a position was given: %v", runs, made)
		}
		write(t, s, call.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "third") })
		if last, _ := c.Changed(); last == first {
			t.Error("two writes have the same position")
		}
		if err := s.Write(call.ctx, func(context.Context, *Tx) error { return failed }); err == nil {
			t.Fatal("no error")
		}
		if last, made := c.Changed(); !made || last == first {
			t.Error("what failed later took the position of what was committed")
		}
	})
}

// ended returns a context that has ended.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// The only process that writes, and one that caches nothing, need no barrier.
func TestPositionsWithoutListener(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url, CacheSize: -1})
		own := newTenant(t, s, "one")
		for range 2 {
			if !s.Heard(own.renamed(t, s, "new")) || !s.Heard(caller.NewPosition()) {
				t.Error("a process that serves nothing old has not heard")
			}
		}
	})
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	if !s.Heard(caller.NewPosition()) {
		t.Error("the only process has not heard")
	}
}

// Whoever comes with a position sees the change, however late its notification;
// who does not may be late. Once it is heard, both are served from the cache.
func TestPositionIsNeverLate(t *testing.T) {
	url := newPostgres(t)
	here := open(t, Options{URL: url, CacheSize: -1})
	there, w := wired(t, url, patientPace)
	own := newTenant(t, here, "one")
	n := newNames(there, ent.TypeOrganization)
	settled(t, there)
	n.want(t, own, "org of one", 1)

	release := w.hold(t)
	p := own.renamed(t, here, "new")
	n.want(t, own, "org of one", 0)
	for range 3 { // the barrier is not waited for
		knowing, _ := own.call(there, p)
		n.want(t, knowing, "new", 1)
	}
	release()
	eventually(t, func() bool { return shown(there, p) })
	knowing, c := own.call(there, p)
	if n.want(t, knowing, "new", 1); c.Behind { // it was dropped
		t.Error("a position that was heard of is asked for")
	}
	n.want(t, knowing, "new", 0)
	n.want(t, own, "new", 0)
}

// Who changes something in two processes at once sends the position of the answer
// that came last, and sees both.
func TestPositionStandsForThoseBefore(t *testing.T) {
	url := newPostgres(t)
	here := open(t, Options{URL: url})
	there, w := wired(t, url, patientPace)
	own, other := newTenant(t, here, "one"), newTenant(t, here, "two")
	n := newNames(there, ent.TypeOrganization)
	settled(t, there)
	n.want(t, own, "org of one", 1)

	release := w.hold(t)
	own.renamed(t, here, "new")
	last := other.renamed(t, there, "own")
	knowing, _ := own.call(there, last)
	n.want(t, knowing, "new", 1)
	release()
	eventually(t, func() bool { return shown(there, last) })
	n.want(t, own, "new", 1)
	n.want(t, own, "new", 0)
}

// A barrier answers for what callers knew before it was sent, and for nothing
// that became known while it was under way.
func TestBarrierAnswersForWhatWasBefore(t *testing.T) {
	ps := newPositions()
	first, second := caller.NewPosition(), caller.NewPosition()
	if ps.has(first) || len(ps.asked) != 0 || len(ps.wake) != 0 {
		t.Fatal("heard of what nobody told, or asked for it")
	}
	ps.ask(first)
	b := ps.begin()
	if ps.has(second) {
		t.Fatal("heard of what nobody told")
	}
	ps.ask(second)
	if ps.back(newPositions().begin().text) {
		t.Error("the barrier of another process is taken for this one's")
	}
	if !ps.back(b.text) || !ps.has(first) || ps.has(second) {
		t.Error("the barrier does not answer for the first position alone")
	}
	<-b.ended
	if ps.back(b.text) {
		t.Error("a barrier comes back twice")
	}
	lost := ps.begin()
	ps.lost(nil)
	<-lost.ended
	if ps.back(lost.text) || ps.has(second) {
		t.Error("a barrier that was given up has come back")
	}
	ps.ask(second)
	if ps.lost(lost); !ps.back(ps.begin().text) || !ps.has(second) {
		t.Error("the next barrier does not answer for the second position")
	}
}

// Positions that callers make up take a bounded place, and one barrier at a time.
func TestForgedPositions(t *testing.T) {
	ps := newPositions()
	for range 3 * positionsAsked {
		ps.ask(caller.NewPosition())
	}
	if len(ps.asked) != positionsAsked || len(ps.wake) != 1 {
		t.Errorf("%d positions are asked for, %d barriers", len(ps.asked), len(ps.wake))
	}
	mine := caller.NewPosition()
	ps.remember(map[caller.Position]struct{}{mine: {}})
	ps.asked = nil
	if ps.ask(mine); len(ps.asked) != 0 {
		t.Error("what was heard of is asked for")
	}
	for n := range 3 * positionsHeard {
		if n < positionsHeard && !ps.has(mine) {
			t.Fatalf("forgotten after %d others", n)
		}
		ps.remember(map[caller.Position]struct{}{caller.NewPosition(): {}})
	}
	if len(ps.heard) > positionsHeard || len(ps.former) > positionsHeard || ps.has(mine) {
		t.Errorf("%d and %d positions are remembered", len(ps.heard), len(ps.former))
	}
}

// A process that lost its listener asks the database, and hears of positions
// again once it has another.
func TestPositionsWhileListenerIsLost(t *testing.T) {
	url := newPostgres(t)
	here := open(t, Options{URL: url, CacheSize: -1})
	there, w := wired(t, url, patientPace)
	own := newTenant(t, here, "one")
	n := newNames(there, ent.TypeOrganization)
	n.want(t, own, "org of one", 1)

	release := w.hold(t) // a barrier is under way when the connection is lost
	p := own.renamed(t, here, "new")
	if shown(there, p) {
		t.Fatal("heard of what was held back")
	}
	eventually(t, func() bool {
		there.positions.mu.Lock()
		defer there.positions.mu.Unlock()
		return there.positions.barrier != nil
	})
	w.set(true, false)
	eventually(t, func() bool { return !there.caches.serving.Load() })
	knowing, _ := own.call(there, p)
	n.want(t, knowing, "new", 1)
	newer := own.renamed(t, here, "newer")
	knowing, _ = own.call(there, newer)
	n.want(t, knowing, "newer", 1)

	release()
	w.set(false, false)
	eventually(t, there.caches.serving.Load)
	eventually(t, func() bool { return shown(there, p) && shown(there, newer) })
	knowing, _ = own.call(there, newer)
	n.want(t, own, "newer", 1)
	n.want(t, knowing, "newer", 0)
}
