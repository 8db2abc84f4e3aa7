//go:build unix

package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
)

func TestSQLiteConnections(t *testing.T) {
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "a b?%20#é.db")})
	pools := map[string]struct {
		db    *sql.DB
		count int
		only  string
	}{"writer": {s.writeDB, 1, "0"}, "readers": {s.readDB, sqliteReaders, "1"}}
	for name, pool := range pools {
		for range pool.count { // held all at once, so that each is another one
			conn, err := pool.db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for pragma, want := range map[string]string{
				"synchronous": "2", "foreign_keys": "1", "journal_mode": "wal", "busy_timeout": "10000",
				"trusted_schema": "0", "query_only": pool.only,
			} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %s is %q, %v; want %q", name, pragma, got, err, want)
				}
			}
		}
	}
}

// What people keep in a directory is seen by no other user of the machine.
func TestSQLiteFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{URL: filepath.Join(dir, "bastide.db")})
	newTenant(t, s, "one")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 { // the database, its log and the index of that
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

func TestOpenRefusesALaterDatabase(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		s := open(t, Options{URL: url})
		version, err := s.SchemaVersion(t.Context())
		if err != nil || version == 0 {
			t.Fatalf("version %d, %v", version, err)
		}
		if again, err := Migrate(t.Context(), Options{URL: url}); err != nil || again != version {
			t.Errorf("version %d, %v; want %d", again, err, version)
		}
		_, err = s.writeDB.ExecContext(t.Context(), s.rebind(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, ?)`), version+1, true)
		if err != nil {
			t.Fatal(err)
		}
		_, opened := Open(t.Context(), Options{URL: url})
		_, migrated := Migrate(t.Context(), Options{URL: url})
		for _, err := range []error{opened, migrated} {
			wantIs(t, err, ErrTooNew)
			if !strings.Contains(err.Error(), "later version") {
				t.Errorf("the message does not say what to do: %v", err)
			}
		}
	})
}

// An address that cannot be used is refused without its password.
func TestOpenRefusesABadAddress(t *testing.T) {
	for _, url := range []string{
		"postgres://bastide:hunter2@127.0.0.1:1/bastide?sslmode=disable&connect_timeout=1",
		"postgres://bastide:hunter2@[::1:5432/bastide",
		"postgres://bastide:hunter2@127.0.0.1:port/bastide",
		"postgres://bastide:hunter2@127.0.0.1:1/bastide?sslmode=hunter2",
	} {
		_, err := Open(t.Context(), Options{URL: url})
		if err == nil {
			t.Fatalf("%s was opened", url)
		}
		if strings.Contains(strings.ReplaceAll(err.Error(), "sslmode", ""), "bastide:hunter2") {
			t.Errorf("the password is in the message: %v", err)
		}
	}
}

func TestNowIsWhatDatabasesKeep(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		at := time.Date(2026, 3, 1, 23, 59, 59, 123456789, time.FixedZone("", 3*60*60))
		s := open(t, Options{URL: url, Now: func() time.Time { return at }})
		own := newTenant(t, s, "one")
		row, err := s.Read().User.Query().Only(own.ctx)
		if err != nil || !row.CreatedAt.Equal(s.Now()) || !row.ChangedAt.Equal(s.Now()) {
			t.Errorf("created %v, changed %v, %v; want %v", row.CreatedAt, row.ChangedAt, err, s.Now())
		}
		if now := s.Now(); now.Location() != time.UTC || now.Nanosecond() != 123456000 {
			t.Errorf("now is %v", now)
		}
	})
}

func TestExclusive(t *testing.T) {
	url := newPostgres(t)
	one, two := open(t, Options{URL: url}), open(t, Options{URL: url})
	inside := 0
	var all sync.WaitGroup
	for i := range 10 {
		s := []*Store{one, two}[i%2]
		all.Go(func() {
			err := s.Exclusive(t.Context(), func() error {
				inside++ // the race detector and the count tell of two at once
				if inside != 1 {
					t.Errorf("%d at once", inside)
				}
				inside--
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	refused := errors.New("refused")
	each(t, func(t *testing.T, s *Store) {
		for range 2 { // the lock of the first is given back
			wantIs(t, s.Exclusive(t.Context(), func() error { return refused }), refused)
		}
		if s.dialect == dialect.Postgres {
			var locks int
			if err := s.readDB.QueryRowContext(context.Background(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&locks); err != nil || locks != 0 {
				t.Errorf("%d locks are held, %v", locks, err)
			}
		}
	})
}
