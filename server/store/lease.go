package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/workerlease"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
)

const (
	// leaseTime is how long a process may make ids with its number before it
	// has to ask again; a number of a killed process is free again after it.
	leaseTime  = time.Hour
	renewAfter = leaseTime / 3
	retryAfter = time.Minute
)

// lease is the number that tells the ids of this process from those of others.
type lease struct {
	store  *Store
	number int64
	holder string
	ids    *id.Generator
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// takeLease leases the lowest free number. Ids begin after the last ones that
// were made with the number, even if the clock was set back since.
func (s *Store) takeLease(ctx context.Context) (*lease, error) {
	l := &lease{store: s, holder: id.Suffix(12)}
	var floor, until int64
	// Processes that start at once would all want the lowest number.
	err := s.Exclusive(ctx, func() error {
		return s.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
			floor, until, err = l.take(ctx, tx)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("no worker number for this process: %w", err)
	}
	l.ids = id.NewGenerator(s.options.Now, int(l.number), floor, until)
	renewing, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Add(1)
	go l.keep(renewing)
	return l, nil
}

// take leases a number, and returns the times between which ids may be made
// with it, in Unix milliseconds.
func (l *lease) take(ctx context.Context, tx *Tx) (floor, until int64, err error) {
	taken, err := tx.WorkerLease.Query().All(ctx)
	if err != nil {
		return 0, 0, err
	}
	now := tx.Now().UnixMilli()
	old, number := pickNumber(taken, now)
	if number == 0 {
		return 0, 0, errors.New("all worker numbers are in use")
	}
	l.number = number
	if old == nil {
		until = now + leaseTime.Milliseconds()
		return 0, until, tx.WorkerLease.Create().SetID(number).SetHolder(l.holder).SetUntil(until).Exec(ctx)
	}
	floor = old.Until
	until = max(now, floor) + leaseTime.Milliseconds()
	n, err := tx.WorkerLease.Update().
		Where(workerlease.ID(number), workerlease.Until(old.Until), workerlease.Holder(old.Holder)).
		SetHolder(l.holder).SetUntil(until).Save(ctx)
	if err == nil && n == 0 {
		err = errors.New("another process took the worker number")
	}
	return floor, until, err
}

// pickNumber returns a number above 0 that is free, and its old lease if it
// had one; 0 if none is.
func pickNumber(taken []*ent.WorkerLease, now int64) (old *ent.WorkerLease, number int64) {
	leases := make(map[int64]*ent.WorkerLease, len(taken))
	for _, l := range taken {
		leases[l.ID] = l
	}
	for n := int64(1); n < id.Workers; n++ {
		if l := leases[n]; l == nil || l.Until < now {
			return l, n
		}
	}
	return nil, 0
}

// keep renews the lease until the store closes.
func (l *lease) keep(ctx context.Context) {
	defer l.done.Done()
	timer := time.NewTimer(renewAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next := renewAfter
		if err := l.renew(ctx); err != nil {
			l.store.options.Log.Warn("the worker number could not be renewed", "error", err)
			next = retryAfter
		}
		timer.Reset(next)
	}
}

// renew makes the lease longer. The ids may be ahead of a clock that was set
// back.
func (l *lease) renew(ctx context.Context) error {
	until := max(l.store.options.Now().UnixMilli(), l.ids.Last()) + leaseTime.Milliseconds()
	err := l.set(ctx, until)
	if err == nil {
		l.ids.Extend(until)
	}
	return err
}

func (l *lease) set(ctx context.Context, until int64) error {
	return l.store.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.WorkerLease.Update().Where(workerlease.ID(l.number), workerlease.Holder(l.holder)).SetUntil(until).Save(ctx)
		if err == nil && n == 0 {
			err = errors.New("another process has the worker number")
		}
		return err
	})
}

func (l *lease) next() (string, error) {
	next, err := l.ids.Next()
	if err != nil {
		return "", fault.DatabaseDown.With().Because(err)
	}
	return next, nil
}

// release ends the renewal and lets the next process have the number at once.
func (l *lease) release() error {
	l.stop()
	l.done.Wait()
	last := l.ids.Last()
	l.ids.Extend(0)
	return l.set(context.Background(), last)
}
