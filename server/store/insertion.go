package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

// Insertion adds one row on the way of a call, with one statement whose text is
// built once. It is for rows that are their own record: what others look at is
// changed by Write.
//
// The statement adds the row only if the instance of the context is there, and
// all that its conditions ask for, at that moment. What it refers to stays
// until the row is there.
type Insertion struct {
	store *Store
	text  string
	args  []any
	given int
}

// Insertion returns the statement that adds a row to a table of an instance, as
// build describes it. It panics if build sets a foreign key to a row that was
// not asked for: that is a mistake in the program.
func (s *Store) Insertion(table string, build func(*NewRow)) *Insertion {
	row := s.newRow(table)
	build(row)
	if len(row.byHand) > 0 {
		panic(fmt.Sprintf("store: %v of %s may point at rows of another instance", row.byHand, table))
	}
	text, args := row.statement()
	return &Insertion{store: s, text: text, args: args, given: row.given}
}

// Add runs the statement with the values that were asked for by NewRow.Given,
// in that order. added is false if a condition did not hold, and nothing was
// done.
//
// It goes by the rules of Write: waiting ends with the caller, the statement
// with its deadline only. Within Write it is an error.
func (i *Insertion) Add(ctx context.Context, given ...any) (added bool, err error) {
	instanceID, err := scope(ctx)
	switch {
	case err != nil:
		return false, err
	case across.Is(ctx):
		return false, errNoInstance // a row must belong somewhere
	case ctx.Value(txKey{}) != nil:
		return false, errors.New("store: an insertion inside Write")
	case len(given) != i.given:
		return false, fmt.Errorf("store: %d values were given, %d asked for", len(given), i.given)
	}
	args := make([]any, len(i.args))
	for n, arg := range i.args {
		switch arg := arg.(type) {
		case nth:
			args[n] = given[arg]
		case placeholder:
			args[n] = instanceID
		default:
			args[n] = arg
		}
	}
	until, done, err := i.store.turnToWrite(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	for attempt, lost := 1, 0; ; {
		added, err = i.once(ctx, until, args)
		switch {
		case errors.Is(err, driver.ErrBadConn) && lost <= postgresConnections:
			lost++ // the statement was not sent: the connection had gone while it was idle
		case err == nil || attempt == writeAttempts || !mayRetry(err):
			return added, err
		default:
			time.Sleep(rand.N(time.Duration(attempt) * maxPause))
			attempt++
		}
	}
}

// once waits for a connection as long as the caller does, and runs the statement
// until its time is over.
func (i *Insertion) once(outer context.Context, until time.Time, args []any) (added bool, err error) {
	conn, err := i.store.writeDB.Conn(outer)
	if err != nil {
		if ended := outer.Err(); ended != nil {
			err = ended
		}
		return false, err
	}
	defer func() {
		if closed := conn.Close(); closed != nil && err == nil {
			err = closed
		}
	}()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(outer), until)
	defer cancel()
	result, err := conn.ExecContext(ctx, i.text, args...)
	if err != nil {
		// What the driver says of a statement that was cut off varies.
		var known *fault.Fault
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) && !errors.As(err, &known) {
			err = errors.Join(ended, err)
		}
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
