package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/bastide-id/bastide/ent/migrations"
)

// ErrTooNew says that a later version of this program wrote the database.
var ErrTooNew = errors.New("the database was written by a later version of bastide: use that version or a later one")

// migrationTimeout is how long a server waits for another one that brings the
// database to the schema, in seconds.
const migrationTimeout = 300

// migrate applies the migrations that the database has not seen, under a lock.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("the version of the database cannot be read: %w", err)
	}
	if version > newest {
		return fmt.Errorf("%w (the database is at %d, this program knows %d)", ErrTooNew, version, newest)
	}
	if version == newest {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("the database cannot be brought to version %d: %w", newest, err)
	}
	return nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	if s.dialect == dialect.SQLite {
		files, err := fs.Sub(migrations.Files, "sqlite")
		if err != nil {
			return nil, err
		}
		return goose.NewProvider(goose.DialectSQLite3, s.writeDB, files) // one process: its data directory is locked
	}
	files, err := fs.Sub(migrations.Files, "postgres")
	if err != nil {
		return nil, err
	}
	// Several servers may start at once: they ask for the lock every second.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrationTimeout))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.writeDB, files, goose.WithSessionLocker(locker))
}

// SchemaVersion returns the number of the newest migration of the database.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	provider, err := s.migrations()
	if err != nil {
		return 0, err
	}
	return provider.GetDBVersion(ctx)
}

// Migrate brings a database to the schema of this program and returns the
// version of the schema. It returns ErrTooNew for one of a later version.
func Migrate(ctx context.Context, options Options) (version int64, err error) {
	s, err := connect(ctx, options)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.closePools()) }()
	if err := s.migrate(ctx); err != nil {
		return 0, err
	}
	return s.SchemaVersion(ctx)
}
