package main

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/bastide-id/bastide/ent/migrations"
)

var databases = []database{sqliteDatabase{}, postgresDatabase{}}

// each runs test on an empty database of each kind, with its migrations.
func each(t *testing.T, test func(*testing.T, database, *sql.DB, fs.FS)) {
	for _, d := range databases {
		t.Run(d.name(), func(t *testing.T) {
			files, err := fs.Sub(migrations.Files, d.name())
			if err != nil {
				t.Fatal(err)
			}
			db, remove, err := d.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := remove(); err != nil {
					t.Error(err)
				}
			})
			test(t, d, db, files)
		})
	}
}

func diff(t *testing.T, d database, db *sql.DB) string {
	t.Helper()
	files, err := compare(t.Context(), d, db, "20000101000000_test")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files {
		text.Write(file.Bytes())
	}
	return text.String()
}

func statement(t *testing.T, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// The schema that the migrations lead to is the one that ent expects, and each
// of them can be applied by itself to what its predecessors left.
func TestMigrationsAreTheSchema(t *testing.T) {
	each(t, func(t *testing.T, d database, db *sql.DB, files fs.FS) {
		provider, err := goose.NewProvider(d.goose(), db, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range provider.ListSources() {
			result, err := provider.UpByOne(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if result.Source.Version != source.Version {
				t.Errorf("%d was applied in the place of %d", result.Source.Version, source.Version)
			}
		}
		if text := diff(t, d, db); text != "" {
			t.Errorf("the ent schema asks for a migration:\n%s", text)
		}
	})
}

// A migration has the same version and name for every database.
func TestMigrationsCorrespond(t *testing.T) {
	var names [2][]string
	for i, d := range databases {
		entries, err := fs.ReadDir(migrations.Files, d.name())
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names[i] = append(names[i], entry.Name())
		}
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("%s has %v, %s has %v", databases[0].name(), names[0], databases[1].name(), names[1])
	}
}

// The comparison finds what is missing, what is too much and what is other.
func TestComparison(t *testing.T) {
	for _, change := range []struct{ done, want string }{
		{"DROP TABLE worker_leases", "CREATE TABLE"},
		{"ALTER TABLE worker_leases DROP COLUMN holder", "holder"},
		{"ALTER TABLE worker_leases ADD COLUMN surplus varchar(10)", "new_worker_leases"},
		{"DROP INDEX user_instance_id_user_id", "user_instance_id_user_id"},
		{"CREATE INDEX surplus ON users (instance_id)", "surplus"},
	} {
		t.Run(change.done, func(t *testing.T) {
			d := sqliteDatabase{}
			db, remove, err := d.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			files, err := fs.Sub(migrations.Files, d.name())
			if err != nil {
				t.Fatal(err)
			}
			if err := apply(t.Context(), d, db, files); err != nil {
				t.Fatal(err)
			}
			statement(t, db, change.done)
			if text := diff(t, d, db); !strings.Contains(text, change.want) {
				t.Errorf("the comparison finds %q, want something about %s", text, change.want)
			}
		})
	}
}

// SQLite makes a table anew to change a column; rows that refer to it stay.
func TestTableMadeAnew(t *testing.T) {
	each(t, func(t *testing.T, d database, db *sql.DB, files fs.FS) {
		if err := apply(t.Context(), d, db, files); err != nil {
			t.Fatal(err)
		}
		statement(t, db, `INSERT INTO events
			(id, instance_id, aggregate_type, aggregate_id, owner_id, sequence, type, editor_type, editor_id, created_at)
			VALUES (5, '1', 'user', '1', '1', 1, 'user.added', 'user', '1', '2026-01-01 00:00:00+00:00')`)
		statement(t, db, "INSERT INTO personal_data (instance_id, user_id, payload, event_pk) VALUES ('1', '1', '{}', 5)")
		statement(t, db, "ALTER TABLE events ADD COLUMN surplus varchar(10)")
		next, err := compare(t.Context(), d, db, "99990101000000_anew")
		if err != nil || len(next) != 1 {
			t.Fatalf("the comparison finds %v, %v", next, err)
		}
		all := with(t, files, next[0].Name(), string(next[0].Bytes()))
		if err := apply(t.Context(), d, db, all); err != nil {
			t.Fatalf("%v:\n%s", err, next[0].Bytes())
		}
		if text := diff(t, d, db); text != "" {
			t.Errorf("the migration leaves a difference:\n%s", text)
		}
		var rows int
		err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM personal_data JOIN events ON events.id = event_pk").Scan(&rows)
		if err != nil || rows != 1 {
			t.Errorf("%d rows are left, %v", rows, err)
		}
	})
}

// with returns files and one more.
func with(t *testing.T, files fs.FS, name, content string) fs.FS {
	t.Helper()
	all := fstest.MapFS{name: {Data: []byte(content)}}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	return all
}

// Trigram indexes and full-text tables are for the comparison none of ent's
// business.
func TestHandWritten(t *testing.T) {
	handWritten := map[string]string{
		"sqlite": `-- +goose Up
CREATE VIRTUAL TABLE bastide_user_text USING fts5(name, content='', contentless_delete=1, tokenize='trigram');
-- +goose StatementBegin
CREATE TRIGGER bastide_user_text_insert AFTER INSERT ON users BEGIN
	INSERT INTO bastide_user_text (rowid, name) VALUES (new.id, new.user_name);
END;
-- +goose StatementEnd
CREATE INDEX bastide_user_partial ON users (instance_id, email_key) WHERE type = 'human';
`,
		"postgres": `-- +goose Up
CREATE EXTENSION pg_trgm;
CREATE INDEX bastide_user_trigram ON users USING gin (encode(name_key, 'escape') gin_trgm_ops);
`,
	}
	each(t, func(t *testing.T, d database, db *sql.DB, files fs.FS) {
		all := with(t, files, "99990101000000_text.sql", handWritten[d.name()])
		if err := apply(t.Context(), d, db, all); err != nil {
			t.Fatal(err)
		}
		if text := diff(t, d, db); text != "" {
			t.Errorf("the comparison would undo what was written by hand:\n%s", text)
		}
	})
}

// A position that was given is not given again, even when its row is gone.
func TestPrimaryKeysAreNotReused(t *testing.T) {
	each(t, func(t *testing.T, d database, db *sql.DB, files fs.FS) {
		if err := apply(t.Context(), d, db, files); err != nil {
			t.Fatal(err)
		}
		insert := func() (id int64) {
			err := db.QueryRowContext(t.Context(), `INSERT INTO events
				(instance_id, aggregate_type, aggregate_id, owner_id, sequence, type, editor_type, editor_id, created_at)
				VALUES ('1', 'user', '1', '1', 1, 'user.added', 'user', '1', '2026-01-01 00:00:00+00:00') RETURNING id`).Scan(&id)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		first := insert()
		statement(t, db, "DELETE FROM events")
		if second := insert(); second <= first {
			t.Errorf("the position %d came after %d", second, first)
		}
		// These two carry keys that the server chooses.
		statement(t, db, "INSERT INTO worker_leases (id, holder, until) VALUES (7, 'x', 0)")
	})
}

// An empty directory gets a migration for each database, a second run adds
// nothing.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for _, d := range databases {
		if err := os.Mkdir(filepath.Join(dir, d.name()), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t.Context(), dir, "", true); err == nil || !strings.Contains(err.Error(), "CREATE TABLE") {
		t.Errorf("the check of an empty directory says %v", err)
	}
	for range 2 {
		if err := run(t.Context(), dir, "init", false); err != nil {
			t.Fatal(err)
		}
		for _, d := range databases {
			made, err := filepath.Glob(filepath.Join(dir, d.name(), "*_init.sql"))
			if err != nil || len(made) != 1 {
				t.Errorf("%s has %v, %v", d.name(), made, err)
			}
		}
	}
	if err := run(t.Context(), dir, "", true); err != nil {
		t.Errorf("the check of a complete directory says %v", err)
	}
	for _, name := range []string{"", "../up", "Two Words"} {
		if err := run(context.Background(), dir, name, false); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
}

// The comparison does not see the collation of a column, and a list that is
// sorted by one must not depend on the locale of the database.
func TestTextsOfPostgresSortByBytes(t *testing.T) {
	d := postgresDatabase{}
	db, remove, err := d.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	files, err := fs.Sub(migrations.Files, d.name())
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), d, db, files); err != nil {
		t.Fatal(err)
	}
	var other int
	err = db.QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type IN ('character varying', 'text') AND collation_name IS DISTINCT FROM 'C'`).Scan(&other)
	if err != nil {
		t.Fatal(err)
	}
	if other > 0 {
		t.Errorf("%d columns with text do not have the collation C", other)
	}
}
