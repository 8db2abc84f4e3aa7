// Package removal erases in the background what was removed: the rows of
// organizations and instances that nobody sees any more.
package removal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
)

const (
	// defaultBatch bounds a transaction, for others wait for it.
	defaultBatch = 1000
	// The pause after a failure doubles from the first to the last.
	firstPause = time.Second
	lastPause  = time.Minute
)

// Options say what a Runner works with.
type Options struct {
	Store *store.Store
	// Batch is about how many rows one transaction erases: 0 means 1000, with
	// a negative number nothing is erased.
	Batch int
	// Log gets what goes wrong; slog.Default if nil.
	Log *slog.Logger
}

// Runner erases what was removed, batch by batch. It sleeps until it is told of
// a removal, and does not ask the database meanwhile. What another process left
// unfinished it finds when it starts, or is woken for something else. Several
// processes may run one.
type Runner struct {
	store *store.Store
	batch int
	log   *slog.Logger

	mu sync.Mutex
	// asked counts what Wake was called for, done how much of it is erased.
	asked, done int
	idle        chan struct{} // closed, and made anew, when done grows

	wake  chan struct{}
	stop  context.CancelFunc
	over  sync.WaitGroup
	ended context.Context
}

// New returns a Runner that erases nothing until Start.
func New(o Options) *Runner {
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Runner{store: o.Store, batch: o.Batch, log: o.Log, wake: make(chan struct{}, 1), idle: make(chan struct{})}
	r.ended, r.stop = context.WithCancel(context.Background())
	return r
}

// Start begins with what is left of an earlier time. It is called once at most.
func (r *Runner) Start() {
	if r.batch < 0 {
		return
	}
	r.Wake()
	r.over.Go(r.run)
}

// Wake tells that something was removed.
func (r *Runner) Wake() {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Wait returns when everything is erased that Wake was called for before, or
// the error of ctx.
func (r *Runner) Wait(ctx context.Context) error {
	r.mu.Lock()
	asked := r.asked
	r.mu.Unlock()
	for {
		r.mu.Lock()
		idle, done := r.idle, r.done
		r.mu.Unlock()
		if done >= asked {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the work after the batch that runs. The store has to be open
// still.
func (r *Runner) Close() {
	r.stop()
	r.over.Wait()
}

// run erases whenever it is woken. After a failure it tries again a while
// later.
func (r *Runner) run() {
	pause := firstPause
	var again <-chan time.Time
	for {
		select {
		case <-r.ended.Done():
			return
		case <-r.wake:
		case <-again:
		}
		r.mu.Lock()
		asked := r.asked
		r.mu.Unlock()
		again = nil
		if err := r.EraseAll(r.ended); err != nil {
			if r.ended.Err() != nil {
				return
			}
			r.log.Warn("what was removed could not be erased; it will be tried again", "error", err, "pause", pause)
			again = time.After(pause)
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		r.mu.Lock()
		r.done = asked
		close(r.idle)
		r.idle = make(chan struct{})
		r.mu.Unlock()
	}
}

// EraseAll erases batches until nothing is left that was removed. What fails
// does not keep the rest: it returns the errors of all that failed.
func (r *Runner) EraseAll(ctx context.Context) error {
	for {
		removed, err := r.store.Removed(across.Instances(ctx))
		if err != nil || len(removed) == 0 {
			return err
		}
		var errs []error
		for _, one := range removed {
			if err := r.erase(ctx, one); err != nil {
				errs = append(errs, fmt.Errorf("removal: instance %s: %w", one.InstanceID, err))
			}
			if ctx.Err() != nil {
				break
			}
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
}

// erase erases one removed thing, batch by batch.
func (r *Runner) erase(ctx context.Context, removed store.Removed) error {
	for {
		if done, err := r.eraseBatch(ctx, removed); err != nil || done {
			return err
		}
	}
}

// eraseBatch erases a batch of one removed thing, and reports whether that was
// the last.
func (r *Runner) eraseBatch(ctx context.Context, removed store.Removed) (done bool, err error) {
	err = r.store.Write(caller.InInstance(ctx, removed.InstanceID), func(ctx context.Context, tx *store.Tx) error {
		done, err = tx.Erase(ctx, removed, r.batch)
		return err
	})
	return done, err
}
