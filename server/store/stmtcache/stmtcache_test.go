package stmtcache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"github.com/bastide-id/bastide/server/store/stmtcache"
)

// perConn is how many statements a connection keeps.
const perConn = 256

func open(t *testing.T, c driver.Connector) *sql.DB {
	t.Helper()
	db := sql.OpenDB(stmtcache.Wrap(c))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if d, ok := c.(*database); ok && d.openStatements() != 0 {
			t.Errorf("%d statements were left open", d.openStatements())
		}
	})
	return db
}

func TestStatementsAreKept(t *testing.T) {
	d := newDatabase()
	db := open(t, d)
	db.SetMaxOpenConns(1)
	for range 10 {
		var n int
		if err := db.QueryRow("query", 1).Scan(&n); err != nil || n != 1 {
			t.Fatalf("%d, %v", n, err)
		}
		if _, err := db.Exec("exec", 1); err != nil {
			t.Fatal(err)
		}
	}
	if d.count("query") != 1 || d.count("exec") != 1 {
		t.Errorf("the query was prepared %d times, the other %d", d.count("query"), d.count("exec"))
	}
	if d.openStatements() != 2 {
		t.Errorf("%d statements are open", d.openStatements())
	}
}

// Rows that are still read keep their statement to themselves.
func TestSameStatementTwiceAtOnce(t *testing.T) {
	d := newDatabase()
	db := open(t, d)
	tx, err := db.Begin() // one connection
	if err != nil {
		t.Fatal(err)
	}
	outer, err := tx.Query("query", 1)
	if err != nil {
		t.Fatal(err)
	}
	for outer.Next() {
		inner, err := tx.Query("query", 1)
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
		}
		if err := errors.Join(inner.Err(), inner.Close(), inner.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(outer.Err(), outer.Close(), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if d.count("query") != 2 || d.openStatements() != 1 {
		t.Errorf("prepared %d times, %d left open; want 2 and 1", d.count("query"), d.openStatements())
	}
}

func TestMoreStatementsThanAreKept(t *testing.T) {
	d := newDatabase()
	db := open(t, d)
	db.SetMaxOpenConns(1)
	for i := range 2 * perConn {
		if _, err := db.Exec(fmt.Sprintf("exec %d", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if d.openStatements() != perConn || d.maxOpen > perConn+1 {
		t.Errorf("%d statements are open, at most %d were", d.openStatements(), d.maxOpen)
	}
}

// A statement that failed is not used again: its plan may be why.
func TestStatementsThatFail(t *testing.T) {
	refused := errors.New("refused")
	for _, query := range []string{"query", "exec", "prepare query", "prepare exec", "close query"} {
		t.Run(query, func(t *testing.T) {
			d := newDatabase()
			db := open(t, d)
			db.SetMaxOpenConns(1)
			run := func() error {
				rows, err := db.Query("query", 1)
				if err != nil {
					return err
				}
				if err := rows.Close(); err != nil {
					return err
				}
				_, err = db.Exec("exec", 1)
				return err
			}
			d.fail(query, refused)
			for range 3 {
				if err := run(); !errors.Is(err, refused) {
					t.Fatalf("got %v", err)
				}
			}
			d.fail(query, nil)
			for range 3 {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A connection that broke takes its statements with it, and the next one begins
// with none.
func TestBrokenConnections(t *testing.T) {
	d := newDatabase()
	db := open(t, d)
	for range 2 {
		if _, err := db.Exec("exec", 1); err != nil {
			t.Fatal(err)
		}
	}
	d.fail("exec", driver.ErrBadConn)
	if _, err := db.Exec("exec", 1); !errors.Is(err, driver.ErrBadConn) {
		t.Fatalf("got %v", err)
	}
	d.fail("exec", nil)
	if d.openStatements() != 0 {
		t.Errorf("%d statements of broken connections are open", d.openStatements())
	}
	if _, err := db.Exec("exec", 1); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.broken = driver.ErrBadConn
	before := d.conns
	d.mu.Unlock()
	for range 2 { // it says so when it is given back
		if _, err := db.Exec("exec", 1); err != nil {
			t.Fatal(err)
		}
	}
	if d.conns == before {
		t.Error("a connection was used again that says it is broken")
	}
}

// What has no arguments may hold several statements, and is not prepared.
func TestTextsWithoutArguments(t *testing.T) {
	d := newDatabase()
	if _, err := open(t, d).Exec("one; two"); err != nil {
		t.Fatal(err)
	}
	if d.count("one; two") != 0 {
		t.Error("the text was prepared")
	}
}

// sqliteFile opens connections to one SQLite file.
type sqliteFile string

func (f sqliteFile) Connect(context.Context) (driver.Conn, error) {
	return f.Driver().Open(string(f))
}

var sqliteDriver = &sqlite.Driver{}

func (f sqliteFile) Driver() driver.Driver { return sqliteDriver }

// Callers of database/sql that come and go, on a real database.
func TestConcurrentUse(t *testing.T) {
	db := open(t, sqliteFile("file:"+filepath.Join(t.TempDir(), "test.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate"))
	db.SetMaxOpenConns(4)
	if _, err := db.Exec(`CREATE TABLE n (i INTEGER PRIMARY KEY, v TEXT); CREATE INDEX v ON n (v)`); err != nil {
		t.Fatal(err)
	}
	const callers, calls = 8, 50
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range calls {
				if err := useAll(t.Context(), db, c*calls+i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM n WHERE v >= ?`, "").Scan(&n); err != nil || n != callers*calls {
		t.Errorf("%d rows, %v", n, err)
	}
}

// useAll adds a row, reads it back while the same statement runs inside, fails
// once, and leaves in the middle of a query.
func useAll(ctx context.Context, db *sql.DB, i int) error {
	if _, err := db.ExecContext(ctx, `INSERT INTO n (i, v) VALUES (?, ?)`, i, fmt.Sprint(i)); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO n (i, v) VALUES (?, ?)`, i, "again"); err == nil {
		return errors.New("a row was added twice")
	}
	left, leave := context.WithCancel(ctx)
	rows, err := db.QueryContext(left, `SELECT i FROM n WHERE i <= ?`, i)
	if err != nil {
		leave()
		return err
	}
	rows.Next()
	leave()
	_ = rows.Close() // as good as the driver makes it
	var v string
	if err := db.QueryRowContext(ctx, `SELECT v FROM n WHERE i = ?`, i).Scan(&v); err != nil || v != fmt.Sprint(i) {
		return fmt.Errorf("row %d has %q: %w", i, v, err)
	}
	return nil
}

// A table that changes under a kept statement is seen as it is now.
func TestSchemaChanges(t *testing.T) {
	db := open(t, sqliteFile("file:"+filepath.Join(t.TempDir(), "test.db")))
	db.SetMaxOpenConns(1)
	columns := func() int {
		rows, err := db.Query(`SELECT * FROM n WHERE i > ?`, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	for _, step := range []struct {
		statement string
		want      int
	}{{`CREATE TABLE n (i INTEGER)`, 1}, {`INSERT INTO n VALUES (1)`, 1}, {`ALTER TABLE n ADD COLUMN v TEXT`, 2}} {
		if _, err := db.Exec(step.statement); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := columns(); got != step.want {
				t.Errorf("after %s: %d columns, want %d", step.statement, got, step.want)
			}
		}
	}
}
