//go:build unix

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent/instancedomain"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
)

func TestFaultsOfConstraints(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		for name, test := range map[string]struct {
			change func(context.Context, *Tx) error
			want   *fault.Fault
			column string
		}{
			"user name taken": {
				func(ctx context.Context, tx *Tx) error {
					return newUser(tx, own.organization, "second").SetNameKey(own.user.NameKey).Exec(ctx)
				},
				fault.ValueTaken.With(), user.FieldNameKey,
			},
			"user id taken": {
				func(ctx context.Context, tx *Tx) error {
					return newUser(tx, own.organization, "second").SetUserID(own.user.UserID).Exec(ctx)
				},
				fault.ValueTaken.With(), user.FieldUserID,
			},
			"primary key taken": {
				func(ctx context.Context, tx *Tx) error {
					return tx.WorkerLease.Create().SetID(s.lease.number).SetHolder("x").SetUntil(1).Exec(ctx)
				},
				fault.ValueTaken.With(), "id",
			},
			"still referenced": {
				func(ctx context.Context, tx *Tx) error { return tx.Organization.DeleteOne(own.organization).Exec(ctx) },
				fault.ReferenceBroken.With(), "",
			},
			"not there": {
				func(ctx context.Context, tx *Tx) error {
					return tx.User.UpdateOneID(1 << 40).SetUserName("x").Exec(ctx)
				},
				fault.RowMissing.With(), "",
			},
		} {
			err := s.Write(own.ctx, test.change)
			if found := Fault(err); !isFault(found, test.want) || !errors.Is(found, err) {
				t.Errorf("%s: got %v, want %q because of %v", name, found, test.want, err)
			}
			if column := TakenColumn(err); column != test.column {
				t.Errorf("%s: the taken column is %q, want %q (%v)", name, column, test.column, err)
			}
		}
	})
}

// PostgreSQL says what is taken in the language that it was set to, and names
// the constraint always.
func TestTakenColumnInAnyLanguage(t *testing.T) {
	german := &pq.Error{Code: "23505", Constraint: "instancedomain_domain", Detail: "Schlüssel »(domain)=(a.example)« existiert bereits."}
	if column := TakenColumn(german); column != instancedomain.FieldDomain {
		t.Errorf("the taken column is %q", column)
	}
	s := open(t, Options{URL: newPostgres(t)})
	rows, err := s.readDB.QueryContext(t.Context(), `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND i.indisunique AND t.relname <> 'goose_db_version'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := 0
	for ; rows.Next(); found++ {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if lastColumns[name] == "" {
			t.Errorf("nobody knows the columns of %s", name)
		}
	}
	if err := rows.Err(); err != nil || found < len(tables) {
		t.Errorf("%d unique constraints, %v", found, err)
	}
}

func TestFaultLeavesOthersAlone(t *testing.T) {
	known := fault.UserUnknown.With()
	for _, err := range []error{
		nil, known, fmt.Errorf("around: %w", known), errors.New("unknown"), context.Canceled, context.DeadlineExceeded,
		&pq.Error{Code: "42601"}, // syntax_error: a mistake of the program
	} {
		if got := Fault(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestFaultsOfConnections(t *testing.T) {
	for _, err := range []error{
		driver.ErrBadConn, sql.ErrConnDone,
		&net.OpError{Op: "dial", Err: errors.New("connection refused")},
		&pq.Error{Code: "57P01"}, // admin_shutdown
		&pq.Error{Code: "57P03"}, // cannot_connect_now
		&pq.Error{Code: "08006"}, // connection_failure
		&pq.Error{Code: "53300"}, // too_many_connections
		&pq.Error{Code: "58030"}, // io_error
		&pq.Error{Code: "25006"}, // read_only_sql_transaction, of a replica
		&pq.Error{Code: "40001"}, // serialization_failure, after the last attempt
	} {
		if got := Fault(fmt.Errorf("ent: %w", err)); !isFault(got, fault.DatabaseDown.With()) {
			t.Errorf("%v became %v", err, got)
		}
	}
	// How lib/pq ends a statement whose context ended.
	if got := Fault(&pq.Error{Code: "57014"}); !errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled) {
		t.Errorf("a statement that was cut off became %v", got)
	}
	if got := Fault(&pq.Error{Code: "53100"}); !isFault(got, fault.DatabaseFull.With()) {
		t.Errorf("a full disk became %v", got)
	}
}

// The server ends the connection in the middle of a transaction.
func TestFaultOfALostConnection(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.ExecContext(ctx, `SELECT pg_terminate_backend(pg_backend_pid())`)
		if err == nil {
			err = tx.User.Update().SetUserName("x").Exec(ctx)
		}
		return err
	})
	if found := Fault(err); !isFault(found, fault.DatabaseDown.With()) {
		t.Errorf("got %v", found)
	}
	wantOrganizations(t, s, own, 1) // on another connection
}

// The file of the database is gone from where it was, or full.
func TestFaultOfAFile(t *testing.T) {
	_, err := connect(t.Context(), Options{URL: filepath.Join(t.TempDir(), "missing", "bastide.db")})
	if err == nil {
		t.Error("a file in a missing directory was opened")
	}
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "bastide.db")})
	own := newTenant(t, s, "one")
	var pages int64
	if err := s.writeDB.QueryRowContext(own.ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writeDB.ExecContext(own.ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+2)); err != nil {
		t.Fatal(err)
	}
	err = s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
		for i := 0; ; i++ {
			if err := addOrganization(ctx, tx, own, fmt.Sprintf("org %d", i)); err != nil {
				return err
			}
		}
	})
	if found := Fault(err); !isFault(found, fault.DatabaseFull.With()) {
		t.Fatalf("got %v", found)
	}
	wantOrganizations(t, s, own, 1)
	if _, err := s.writeDB.ExecContext(own.ctx, `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "second") })
}

// lengthy returns a statement that takes longer than any caller stays. On
// PostgreSQL it does end, for a request to cancel that comes before its
// statement is lost.
func (s *Store) lengthy() string {
	if s.dialect == dialect.Postgres {
		return `SELECT count(pg_sleep(5))`
	}
	return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`
}

// A caller who leaves in the middle of a read is not told that the database is
// down.
func TestFaultOfACallerWhoLeft(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, hangUp := context.WithCancel(t.Context())
		started := make(chan struct{})
		go func() {
			<-started
			hangUp()
		}()
		close(started)
		var n int
		err := s.readDB.QueryRowContext(ctx, s.lengthy()).Scan(&n)
		// Whichever is first, database/sql or what the statement itself ends with.
		if found := Fault(err); !errors.Is(found, context.Canceled) && !errors.Is(found, context.DeadlineExceeded) {
			t.Errorf("got %v", found)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the pool is spoilt: %v", err)
		}
	})
}
