//go:build unix

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server/fault"
)

// soon is when a caller of these tests gives up; what it waits for never ends.
const soon = 100 * time.Millisecond

// A write whose caller's deadline passes is undone: nobody would hear that it
// was done.
func TestWriteEndsWithTheDeadlineOfItsCaller(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		ctx, cancel := context.WithTimeout(own.ctx, soon)
		defer cancel()
		want, _ := ctx.Deadline()
		err := s.Write(ctx, func(ctx context.Context, tx *Tx) error {
			if got, _ := ctx.Deadline(); !got.Equal(want) {
				return fmt.Errorf("the deadline is %v, that of the caller %v", got, want)
			}
			if err := addOrganization(ctx, tx, own, "second"); err != nil {
				return err
			}
			<-ctx.Done()
			return tx.Organization.Update().SetName("x").Exec(ctx)
		})
		if found := Fault(err); !errors.Is(found, context.DeadlineExceeded) {
			t.Errorf("got %v", found)
		}
		wantOrganizations(t, s, own, 1)
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "second") })
	})
}

// What f says of the object itself is not lost because the time is over; what
// the driver says of a transaction that was cut off is that it was.
func TestErrorsPastTheDeadline(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		unchanged := fault.NothingChanged.With()
		for said, want := range map[error]error{
			unchanged: unchanged, sql.ErrTxDone: context.DeadlineExceeded, driver.ErrBadConn: context.DeadlineExceeded,
		} {
			ctx, cancel := context.WithTimeout(own.ctx, soon)
			err := s.Write(ctx, func(ctx context.Context, _ *Tx) error {
				<-ctx.Done()
				return said
			})
			cancel()
			if found := Fault(err); !errors.Is(found, want) || errors.Is(found, fault.Unavailable) {
				t.Errorf("%v became %v", said, found)
			}
		}
	})
}

// Another connection has the row: one past the limits of this process.
func TestWriteWaitsForALockedRowUntilTheDeadline(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	other, err := s.readDB.BeginTx(t.Context(), &sql.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A request to cancel that comes before its statement is lost. The test then
	// goes on when the server ends the other connection.
	if _, err := other.ExecContext(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = '5s'`); err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `SELECT 1 FROM organizations WHERE id = $1 FOR UPDATE`, own.organization.ID); err != nil {
		t.Fatal(err)
	}
	change := func(ctx context.Context, tx *Tx) error {
		_, err := tx.Record(ctx, OrgDomainAdded, OrganizationObject(own.organization), Payload{})
		return err
	}
	ctx, cancel := context.WithTimeout(own.ctx, soon)
	defer cancel()
	if found := Fault(s.Write(ctx, change)); !errors.Is(found, context.DeadlineExceeded) || errors.Is(found, context.Canceled) {
		t.Errorf("got %v", found)
	}
	if err := other.Rollback(); err != nil && !errors.Is(err, driver.ErrBadConn) {
		t.Fatal(err)
	}
	write(t, s, own.ctx, change)
	row, err := s.Read().Organization.Query().Only(own.ctx)
	if err != nil || row.Sequence != 1 {
		t.Errorf("the organization was changed %d times, %v", row.Sequence, err)
	}
}

// A caller who leaves while all connections are in use waits no longer.
func TestWriteWaitsForAConnectionAsLongAsItsCaller(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	for range postgresConnections {
		conn, err := s.writeDB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	before := s.writeDB.Stats().WaitCount
	ctx, hangUp := context.WithCancel(own.ctx)
	defer hangUp()
	go func() {
		for s.writeDB.Stats().WaitCount == before {
			runtime.Gosched()
		}
		hangUp()
	}()
	err := s.Write(ctx, func(context.Context, *Tx) error {
		t.Error("a transaction ran without a connection")
		return nil
	})
	if err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A statement that is cut off in the middle tells no more than that: to a
// caller whose time is over it is that, whatever the database calls it.
func TestFaultOfAStatementThatTookTooLong(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		for name, run := range map[string]func(context.Context, *Tx) error{
			"query": func(ctx context.Context, tx *Tx) error {
				_, err := tx.exists(ctx, s.lengthy())
				return err
			},
			"exec": func(ctx context.Context, tx *Tx) error {
				_, err := tx.ExecContext(ctx, s.lengthy())
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			found := Fault(s.Write(ctx, run))
			cancel()
			if !errors.Is(found, context.DeadlineExceeded) || errors.Is(found, context.Canceled) {
				t.Errorf("%s: got %v", name, found)
			}
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the pool is spoilt: %v", err)
		}
	})
}
