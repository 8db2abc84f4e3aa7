package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/pressly/goose/v3"

	entmigrate "github.com/bastide-id/bastide/ent/migrate"
)

// handWritten begins the name of an index that ent does not know of.
const handWritten = "bastide_"

// pending returns the migration that is missing in files, called name: one
// file, or none.
func pending(ctx context.Context, d database, files fs.FS, name string) (missing []migrate.File, err error) {
	db, remove, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := apply(ctx, d, db, files); err != nil {
		return nil, err
	}
	return compare(ctx, d, db, name)
}

// apply applies the migrations one after the other, as the server does.
func apply(ctx context.Context, d database, db *sql.DB, files fs.FS) error {
	provider, err := goose.NewProvider(d.goose(), db, files)
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// compare returns the migration from what db has to the ent schema.
func compare(ctx context.Context, d database, db *sql.DB, name string) ([]migrate.File, error) {
	hooks := []schema.DiffHook{keepHandWritten}
	if d.dialect() == dialect.Postgres {
		hooks = append(hooks, sortByBytes)
	}
	dir := &migrate.MemDir{}
	plan, err := schema.NewMigrate(entsql.OpenDB(d.dialect(), db),
		schema.WithDir(dir),
		schema.WithFormatter(forward{}),
		schema.WithMigrationMode(schema.ModeInspect),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithDiffHook(hooks...),
	)
	if err != nil {
		return nil, err
	}
	if err := plan.NamedDiff(ctx, name, entmigrate.Tables...); err != nil {
		return nil, err
	}
	return dir.Files()
}

// forward writes a plan as a migration without a way back: a server never takes
// a database to an older schema, and statements that drop tables are better not
// lying around.
type forward struct{}

// The statements around a plan that makes a table of SQLite anew. They do
// nothing in a transaction, so that such a plan begins its own behind them.
const (
	pragmaOff = "PRAGMA foreign_keys = off"
	pragmaOn  = "PRAGMA foreign_keys = on"
)

// Format returns the one file of the plan.
func (forward) Format(plan *migrate.Plan) ([]migrate.File, error) {
	var header, text strings.Builder
	for _, change := range plan.Changes {
		if change.Cmd == pragmaOn {
			text.WriteString("COMMIT;\n")
		}
		if change.Comment != "" {
			fmt.Fprintf(&text, "-- %s\n", change.Comment)
		}
		fmt.Fprintf(&text, "%s;\n", change.Cmd)
		if change.Cmd == pragmaOff {
			header.WriteString("-- +goose NO TRANSACTION\n")
			text.WriteString("BEGIN IMMEDIATE;\n")
		}
	}
	header.WriteString("-- +goose Up\n")
	return []migrate.File{migrate.NewLocalFile(plan.Name+".sql", []byte(header.String()+text.String()))}, nil
}

// keepHandWritten takes the indexes written by hand out of what is compared.
func keepHandWritten(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		for _, table := range current.Tables {
			var indexes []*atlas.Index
			for _, index := range table.Indexes {
				if !strings.HasPrefix(index.Name, handWritten) {
					indexes = append(indexes, index)
				}
			}
			table.Indexes = indexes
		}
		return next.Diff(current, desired)
	})
}

// sortByBytes gives the texts of PostgreSQL the order of their bytes, which is
// that of SQLite: a list must not depend on the database or its locale.
func sortByBytes(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		for _, table := range desired.Tables {
			for _, column := range table.Columns {
				if _, text := column.Type.Type.(*atlas.StringType); text {
					column.SetCollation("C")
				}
			}
		}
		return next.Diff(current, desired)
	})
}
