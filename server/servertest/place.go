//go:build unix

package servertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/lib/pq"  // Open
	_ "modernc.org/sqlite" // Open

	"github.com/bastide-id/bastide/ent/migrate"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest/postgres"
)

// Database is a kind of database.
type Database string

// The kinds of database.
const (
	SQLite   Database = "sqlite"
	Postgres Database = "postgres"
)

// Databases are all kinds of database. Tests fail where there is no
// PostgreSQL: they do not skip it.
var Databases = []Database{SQLite, Postgres}

// Place is where an installation is kept.
type Place struct {
	Kind Database
	// DataDir is the data directory.
	DataDir string
	// Database is the address of a PostgreSQL database; empty for SQLite in
	// the data directory.
	Database server.Secret
}

// databases counts the databases of this process, to name them.
var databases atomic.Int64

// Empty returns an empty data directory and an empty database, which are gone
// after the test.
func Empty(t testing.TB, kind Database) Place {
	t.Helper()
	p := Place{Kind: kind, DataDir: directory(t)}
	if kind == Postgres {
		p.Database = clone(t, "")
	}
	return p
}

// Installed returns a copy of an installation right after its first run.
func Installed(t testing.TB, kind Database) Place {
	t.Helper()
	original, err := templates[kind]()
	if err != nil {
		t.Fatal(err)
	}
	p := Place{Kind: kind, DataDir: directory(t)}
	for name, text := range original.files {
		if err := os.WriteFile(filepath.Join(p.DataDir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if kind == Postgres {
		p.Database = clone(t, original.database)
	}
	return p
}

// directory returns a new directory. It is not one of testing's: their names
// can be too long for the socket in it.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bastide-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// clone returns the address of a new database like the template.
func clone(t testing.TB, template string) server.Secret {
	t.Helper()
	shared, err := postgres.Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test%d", databases.Add(1))
	url, err := shared.Clone(t.Context(), template, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shared.Drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return server.Secret(url)
}

// template is an installation that tests get copies of: the files of its data
// directory, and the name of its PostgreSQL database.
type template struct {
	files    map[string][]byte
	database string
}

var templates = map[Database]func() (template, error){
	SQLite:   sync.OnceValues(func() (template, error) { return newTemplate(SQLite) }),
	Postgres: sync.OnceValues(func() (template, error) { return newTemplate(Postgres) }),
}

// newTemplate makes the first run of an installation and keeps what it left.
func newTemplate(kind Database) (made template, err error) {
	ctx := context.Background()
	p := Place{Kind: kind}
	if p.DataDir, err = os.MkdirTemp("", "bastide-"); err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.DataDir)) }()
	if kind == Postgres {
		shared, err := postgres.Shared(ctx)
		if err != nil {
			return made, err
		}
		made.database = "template"
		url, err := shared.Create(ctx, made.database)
		if err != nil {
			return made, err
		}
		p.Database = server.Secret(url)
	}
	s, err := server.New(ctx, p.Config())
	if err != nil {
		return made, err
	}
	if err := s.Close(); err != nil {
		return made, err
	}
	made.files, err = readFiles(p.DataDir)
	return made, err
}

func readFiles(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// file is the SQLite database.
func (p Place) file() string { return filepath.Join(p.DataDir, "bastide.db") }

// Open opens the database behind the back of the server.
func (p Place) Open(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "postgres", string(p.Database)
	if p.Kind == SQLite {
		driver, source = "sqlite", "file:"+p.file()+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Exec runs a statement behind the back of the server.
func (p Place) Exec(t testing.TB, statement string) {
	t.Helper()
	db := p.Open(t)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Rows counts the rows of every table.
func (p Place) Rows(t testing.TB) map[string]int {
	t.Helper()
	db := p.Open(t)
	defer db.Close()
	rows := make(map[string]int)
	for _, table := range migrate.Tables {
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM "`+table.Name+`"`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		rows[table.Name] = n
	}
	return rows
}
