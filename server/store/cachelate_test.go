//go:build unix

package store

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
)

// A read that began before a change is answered with what was there before, and
// nobody else is.
func TestCacheRefusesLateAnswers(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		asked, answer := make(chan struct{}), make(chan struct{})
		var slow atomic.Bool
		c := NewCache(s, func(ctx context.Context, organizationID string) (string, bool, error) {
			name, found, err := nameOf(ctx, s, organizationID)
			if slow.CompareAndSwap(true, false) {
				close(asked)
				<-answer
			}
			return name, found, err
		}, ent.TypeOrganization)
		get := func() string {
			name, _, err := c.Get(own.ctx, own.organization.OrganizationID)
			if err != nil {
				t.Error(err)
			}
			return name
		}
		slow.Store(true)
		late := make(chan string)
		go func() { late <- get() }()
		<-asked
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "new") })
		close(answer)
		if got := <-late; got != "org of one" {
			t.Errorf("the read that began before got %q", got)
		}
		if got := get(); got != "new" {
			t.Errorf("the next read got %q", got)
		}
	})
}

// A late answer does not take the place of a newer one either.
func TestCacheKeepsTheNewerAnswer(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	ctx := caller.InInstance(t.Context(), "one")
	asked, answer, first := make(chan struct{}), make(chan struct{}), make(chan struct{})
	loads := 0
	c := NewCache(s, func(context.Context, int) (int, bool, error) {
		loads++
		n := loads
		if n == 1 {
			close(asked)
			<-answer
		}
		return n, true, nil
	}, ent.TypeUser)
	go func() {
		defer close(first)
		_, _, _ = c.Get(ctx, 1)
	}()
	<-asked
	s.caches.drop(map[change]bool{{ent.TypeUser, "two"}: true}) // of another instance: both answers are good
	if n, _, _ := c.Get(ctx, 1); n != 2 {
		t.Fatalf("got %d", n)
	}
	close(answer)
	<-first
	if n, _, _ := c.Get(ctx, 1); n != 2 {
		t.Errorf("got %d, and not the newer answer", n)
	}
}

// While a change is committed, nobody knows what is right: everybody asks the
// database.
func TestCacheIsPassedByWhileCommitting(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		n := newNames(s, ent.TypeOrganization)
		n.want(t, own, "org of one", 1)
		n.want(t, other, "org of two", 1)
		for instanceID, loads := range map[string]int64{"one": 0, "": 1} {
			release := s.caches.hold(map[change]bool{{ent.TypeOrganization, instanceID}: true})
			n.want(t, own, "org of one", 1)
			n.want(t, own, "org of one", 1)
			n.want(t, other, "org of two", loads)
			// One that comes meanwhile begins with the next drop.
			newNames(s, ent.TypeOrganization).want(t, own, "org of one", 1)
			release()
			n.want(t, own, "org of one", 1)
			n.want(t, own, "org of one", 0)
			n.want(t, other, "org of two", loads)
		}
	})
}

// Whoever reads after a write has returned gets that write or a later one,
// however many read and write at once.
func TestCacheIsNeverLate(t *testing.T) {
	const writes, readers = 30, 2
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		n := newNames(s, ent.TypeOrganization)
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "0") })
		var written atomic.Int64
		var end atomic.Bool
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				for last := int64(0); !end.Load(); {
					before := written.Load()
					text, _, err := n.Get(own.ctx, own.organization.OrganizationID)
					if err != nil {
						t.Error(err)
						return
					}
					got, _ := strconv.ParseInt(text, 10, 64)
					if got < before || got < last {
						t.Errorf("write %d had returned, and %d was read before; then %d was read", before, last, got)
						return
					}
					last = got
				}
			})
		}
		for i := range int64(writes) {
			write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, strconv.FormatInt(i+1, 10)) })
			written.Store(i + 1)
		}
		end.Store(true)
		all.Wait()
	})
}

// What was to be committed is dropped also when nobody knows whether it was.
func TestCacheDropsAfterAFailedCommit(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	hearNobody(t, s)
	own := newTenant(t, s, "one")
	n := newNames(s, ent.TypeOrganization)
	n.want(t, own, "org of one", 1)
	reached := false
	err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
		if err := rename(ctx, tx, own, "new"); err != nil {
			return err
		}
		reached = true
		// The commit finds a rule broken.
		_, err := tx.ExecContext(ctx, `CREATE TABLE x (y integer UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO x VALUES (1), (1)`)
		}
		return err
	})
	if err == nil || !reached {
		t.Fatalf("the commit did not fail: %v", err)
	}
	n.want(t, own, "org of one", 1)
}
