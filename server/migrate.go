package server

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/server/store"
)

// Migrate brings the database to the schema of this program and returns the
// version of the schema. It returns ErrLocked while a server runs on the data
// directory, and store.ErrTooNew for a database of a later version.
func Migrate(ctx context.Context, config Config) (version int64, err error) {
	if config, err = config.WithDefaults(); err != nil {
		return 0, err
	}
	lock, err := lockDirectory(config.DataDir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return store.Migrate(ctx, store.Options{URL: databaseURL(config), Log: config.Log})
}
