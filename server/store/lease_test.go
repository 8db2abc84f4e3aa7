//go:build unix

package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bastide-id/bastide/ent/workerlease"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
)

// clock is one that tests turn.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time        { return time.UnixMilli(c.at.Load()) }
func (c *clock) turn(by time.Duration) { c.at.Add(by.Milliseconds()) }

// openNow opens a store that is not closed by itself.
func openNow(t *testing.T, url string, c *clock) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: url, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newID(t *testing.T, s *Store) int64 {
	t.Helper()
	text, err := s.NewID()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) != 18 {
		t.Fatalf("%q is no id of 18 digits", text)
	}
	return n
}

// Stores that open at the same time on one database have numbers of their own.
func TestLeasesAreNeverShared(t *testing.T) {
	url := newPostgres(t)
	const stores = 8
	var all sync.WaitGroup
	var mu sync.Mutex
	var opened []*Store
	for range stores {
		all.Go(func() {
			s, err := Open(t.Context(), Options{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			opened = append(opened, s)
		})
	}
	all.Wait()
	numbers := make(map[int64]bool)
	for _, s := range opened {
		numbers[s.lease.number] = true
	}
	if len(numbers) != stores {
		t.Errorf("%d numbers for %d stores", len(numbers), stores)
	}
	for _, s := range opened {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A number that was given back is taken again, and its ids go on after the last
// ones, also when the clock was set back meanwhile.
func TestIDsGoOnAfterAClose(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		c := newClock()
		first := openNow(t, url, c)
		var last int64
		for range 3000 { // more than fit in a millisecond
			last = newID(t, first)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		// The last ids are ahead of the clock, so the number is not yet free.
		early := openNow(t, url, c)
		if early.lease.number == first.lease.number {
			t.Errorf("number %d was taken again at once", early.lease.number)
		}
		c.turn(time.Second)
		second := openNow(t, url, c)
		if second.lease.number != first.lease.number {
			t.Errorf("number %d, then %d", first.lease.number, second.lease.number)
		}
		c.turn(-24 * time.Hour)
		if next := newID(t, second); next <= last {
			t.Errorf("id %d after %d", next, last)
		}
		for _, s := range []*Store{early, second} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A killed process keeps its number until the lease is over; then its ids may
// reach until the end of the lease.
func TestIDsGoOnAfterAKill(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		c := newClock()
		killed := openNow(t, url, c)
		killed.lease.stop()
		last := newID(t, killed)
		if err := killed.closePools(); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			after time.Duration
			same  bool
		}{{leaseTime / 2, false}, {leaseTime/2 + time.Millisecond, true}} {
			c.turn(test.after)
			s := openNow(t, url, c)
			if same := s.lease.number == killed.lease.number; same != test.same {
				t.Errorf("%v later: number %d, that of the killed one %d", test.after, s.lease.number, killed.lease.number)
			}
			if next := newID(t, s); next <= last {
				t.Errorf("id %d after %d", next, last)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A store that could not renew its lease makes no ids, and says so as what it
// is: a database that does not answer.
func TestIDsEndWithTheLease(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		c := newClock()
		s := openNow(t, url, c)
		newID(t, s)
		c.turn(leaseTime + time.Millisecond)
		_, err := s.NewID()
		if !errors.Is(err, id.ErrLeaseOver) || !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
		if err := s.lease.renew(t.Context()); err != nil {
			t.Error(err)
		}
		newID(t, s)
		// Another process has taken the number.
		write(t, s, t.Context(), func(ctx context.Context, tx *Tx) error {
			return tx.WorkerLease.Update().Where(workerlease.ID(s.lease.number)).SetHolder("other").Exec(ctx)
		})
		c.turn(leaseTime + time.Millisecond)
		if err := s.lease.renew(t.Context()); err == nil {
			t.Error("a lease was renewed that another process has")
		}
		if _, err := s.NewID(); !errors.Is(err, id.ErrLeaseOver) {
			t.Errorf("got %v", err)
		}
		if err := s.Close(); err == nil {
			t.Error("a lease was given back that another process has")
		}
		if _, err := s.NewID(); err == nil {
			t.Error("a closed store makes ids")
		}
	})
}

// A clock that is set back ends no lease.
func TestLeaseIsRenewedWithTheClockSetBack(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		c := newClock()
		s := open(t, Options{URL: url, Now: c.now})
		last := newID(t, s)
		c.turn(-24 * time.Hour)
		if err := s.lease.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if next := newID(t, s); next <= last {
			t.Errorf("id %d after %d", next, last)
		}
	})
}

// Time passes in the bubble of synctest: hours of it, with a lease of one.
func TestLeaseIsRenewed(t *testing.T) {
	file := t.TempDir() + "/bastide.db"
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		now := func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Since(start)) }
		s := open(t, Options{URL: file, Now: now})
		var ids []int64
		for range 10 {
			ids = append(ids, newID(t, s))
			time.Sleep(leaseTime - time.Second)
			synctest.Wait()
		}
		if !slices.IsSorted(ids) {
			t.Errorf("ids %v", ids)
		}
	})
}

func TestNoNumberIsFree(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		c := newClock()
		s := openNow(t, url, c)
		write(t, s, t.Context(), func(ctx context.Context, tx *Tx) error {
			for n := int64(1); n < id.Workers; n++ {
				if n == s.lease.number {
					continue
				}
				if err := tx.WorkerLease.Create().SetID(n).SetHolder("other").SetUntil(c.at.Load()).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if _, err := Open(t.Context(), Options{URL: url, Now: c.now}); err == nil {
			t.Error("a number was leased that is in use")
		}
		c.turn(time.Millisecond)
		another := openNow(t, url, c)
		for _, s := range []*Store{another, s} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
