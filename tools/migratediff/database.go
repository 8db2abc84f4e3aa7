package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"entgo.io/ent/dialect"
	_ "github.com/lib/pq"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"github.com/bastide-id/bastide/server/servertest/postgres"
)

// database is a kind of database.
type database interface {
	// name is the directory of its migrations.
	name() string
	dialect() string
	goose() goose.Dialect
	// open makes an empty database, which closing removes.
	open(context.Context) (db *sql.DB, remove func() error, err error)
}

type sqliteDatabase struct{}

func (sqliteDatabase) name() string         { return "sqlite" }
func (sqliteDatabase) dialect() string      { return dialect.SQLite }
func (sqliteDatabase) goose() goose.Dialect { return goose.DialectSQLite3 }

func (sqliteDatabase) open(context.Context) (*sql.DB, func() error, error) {
	dir, err := os.MkdirTemp("", "bastide-migratediff-")
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "db")+"?_pragma=foreign_keys(1)&_pragma=synchronous(0)")
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return db, func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }, nil
}

type postgresDatabase struct{}

func (postgresDatabase) name() string         { return "postgres" }
func (postgresDatabase) dialect() string      { return dialect.Postgres }
func (postgresDatabase) goose() goose.Dialect { return goose.DialectPostgres }

func (postgresDatabase) open(ctx context.Context) (*sql.DB, func() error, error) {
	server, err := postgres.Shared(ctx)
	if err != nil {
		return nil, nil, err
	}
	name := "migratediff_" + rand.Text()
	dsn, err := server.Create(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	// Removing has to work for an interrupted command too.
	drop := func() error { return server.Drop(context.WithoutCancel(ctx), name) }
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return db, func() error { return errors.Join(db.Close(), drop()) }, nil
}
