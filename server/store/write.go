package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/server/fault"
)

const (
	// writeTimeout bounds a transaction whose caller set no earlier deadline.
	writeTimeout = 30 * time.Second
	// writeAttempts is how often a transaction is run that the database
	// rolled back because of another one.
	writeAttempts = 5
	// maxPause bounds the pause after the first attempt; it grows with each.
	maxPause = 20 * time.Millisecond
)

// Tx is a transaction of Write.
type Tx struct {
	*ent.Tx
	store    *Store
	now      time.Time
	changed  bool
	recorded bool
	joined   bool // the instance cannot be removed until the transaction ends
	// own has the rows of the instance that this transaction made or asked
	// for, so that references to them need no further query.
	own map[reference]bool
	// touched has what caches may hold and the transaction changes.
	touched map[change]bool
}

type txKey struct{}

// Now returns the one time of the transaction.
func (tx *Tx) Now() time.Time { return tx.now }

// errUnrecorded is a mistake in the program.
var errUnrecorded = errors.New("store: a transaction changed rows and recorded no event")

// Write runs f in a transaction and commits when f returns nil. An error of f
// rolls back and is returned as it is.
//
// f may run more than once, and must not hash, make keys or use the network.
// The context it gets is that of the caller without its cancellation: a client
// that hangs up does not undo what others wait for. Waiting for the turn to
// write, or for a connection, does end with the caller, and so does everything
// with its deadline: past it nobody would hear that the write was done. A
// transaction that took too long is undone, and context.DeadlineExceeded
// returned.
//
// A transaction that changes something in an instance holds it until it ends:
// fault.InstanceUnknown is returned when it was removed.
//
// What was committed has a position, which the call of ctx is given
// (caller.Consistency).
func (s *Store) Write(ctx context.Context, f func(context.Context, *Tx) error) error {
	until, done, err := s.turnToWrite(ctx)
	if err != nil {
		return err
	}
	defer done()
	for attempt := 1; ; attempt++ {
		err := s.writeOnce(ctx, until, f)
		if err == nil {
			noteChange(ctx)
		}
		if err == nil || attempt == writeAttempts || !mayRetry(err) {
			return err
		}
		// At once it would take the locks that the other one was promised.
		time.Sleep(rand.N(time.Duration(attempt) * maxPause))
	}
}

// turnToWrite waits for the turn to write as long as the caller does. It returns
// when the write has to end, and what gives the turn back.
func (s *Store) turnToWrite(ctx context.Context) (until time.Time, done func(), err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, nil, err
	}
	done = func() {}
	if s.turn != nil {
		select {
		case s.turn <- struct{}{}:
			done = func() { <-s.turn }
		case <-ctx.Done():
			return time.Time{}, nil, ctx.Err()
		}
	}
	until = time.Now().Add(writeTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return until, done, nil
}

func (s *Store) writeOnce(outer context.Context, until time.Time, f func(context.Context, *Tx) error) (err error) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(outer), until)
	defer cancel()
	inner, err := s.begin(ctx, cancel, outer)
	if err != nil {
		return err
	}
	defer func() {
		// What the driver says of a transaction that was cut off varies.
		var known *fault.Fault
		if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) && !errors.As(err, &known) {
			err = errors.Join(ended, err)
		}
	}()
	tx := &Tx{Tx: inner, store: s, now: s.Now(), own: make(map[reference]bool), touched: make(map[change]bool)}
	committed := false
	defer func() {
		if !committed {
			if undo := inner.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) && !errors.Is(undo, driver.ErrBadConn) {
				err = errors.Join(err, fmt.Errorf("rollback: %w", undo))
			}
		}
	}()
	if err := f(context.WithValue(ctx, txKey{}, tx), tx); err != nil {
		return err
	}
	if tx.changed && !tx.recorded {
		return errUnrecorded
	}
	if err := tx.tell(ctx); err != nil {
		return err
	}
	committed = true
	// A commit that failed may have been done, or be done yet.
	defer s.caches.hold(tx.touched)()
	return inner.Commit()
}

// begin waits for a connection as long as the caller does, and begins a
// transaction that ends with ctx only.
func (s *Store) begin(ctx context.Context, cancel func(), outer context.Context) (*ent.Tx, error) {
	stay := context.AfterFunc(outer, cancel)
	tx, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelDefault})
	if stay() || err != nil {
		if ended := outer.Err(); err != nil && ended != nil {
			err = ended
		}
		return tx, err
	}
	// The caller left in the very moment: the transaction is being undone.
	_ = tx.Rollback()
	return nil, outer.Err()
}

// mayRetry reports whether the database rolled back a transaction that did
// nothing wrong.
func mayRetry(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		return p.Code == "40001" || p.Code == "40P01" // serialization_failure, deadlock_detected
	}
	return false
}

// txOf returns the transaction that ctx runs in.
func txOf(ctx context.Context) (*Tx, error) {
	tx, _ := ctx.Value(txKey{}).(*Tx)
	if tx == nil {
		return nil, errors.New("store: a change outside Write")
	}
	return tx, nil
}

// unrecorded reports whether a mutation needs no event: rows that are their
// own record, and when a token was last used.
func unrecorded(m ent.Mutation) bool {
	switch m.Type() {
	case ent.TypeAccessToken, ent.TypeUsedAssertion, ent.TypeEvent, ent.TypePersonalData, ent.TypeInstallation, ent.TypeWorkerLease:
		return true
	}
	return onlyLastUse(m)
}

// onlyLastUse reports whether a mutation says that tokens were used.
func onlyLastUse(m ent.Mutation) bool {
	fields := m.Fields()
	return m.Type() == ent.TypePersonalAccessToken && m.Op().Is(ent.OpUpdate|ent.OpUpdateOne) &&
		len(fields) == 1 && fields[0] == personalaccesstoken.FieldLastUsedAt && len(m.ClearedFields()) == 0
}

// trackChanges makes Write refuse to commit what was not recorded, and notes
// what caches have to drop.
func (s *Store) trackChanges(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		tx, err := txOf(ctx)
		if err != nil {
			return nil, err
		}
		if err := tx.joinFor(ctx, m); err != nil {
			return nil, err
		}
		if !unrecorded(m) {
			tx.changed = true
		}
		if (!m.Op().Is(ent.OpCreate) || addedKinds[m.Type()]) && !onlyLastUse(m) {
			if err := tx.touch(ctx, m.Type()); err != nil {
				return nil, err
			}
		}
		return next.Mutate(ctx, m)
	})
}

// stampTimes sets when a row was created and changed.
func (s *Store) stampTimes(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		tx, err := txOf(ctx)
		if err != nil {
			return nil, err
		}
		row, ok := m.(interface {
			SetCreatedAt(time.Time)
			CreatedAt() (time.Time, bool)
		})
		if ok && m.Op().Is(ent.OpCreate) {
			if _, set := row.CreatedAt(); !set {
				row.SetCreatedAt(tx.now)
			}
		}
		changing, ok := m.(interface{ SetChangedAt(time.Time) })
		if ok && (m.Op().Is(ent.OpCreate) || !unrecorded(m)) {
			changing.SetChangedAt(tx.now)
		}
		return next.Mutate(ctx, m)
	})
}
