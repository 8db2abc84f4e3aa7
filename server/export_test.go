package server

import (
	"context"
	"fmt"
	"io"

	"github.com/bastide-id/bastide/server/store"
)

// AtFirstRunStep has f called at each step of the first run, with what has
// happened. Its error fails the run.
func AtFirstRunStep(c *Config, f func(step string) error) {
	c.firstRunStep = func(step firstRunStep) error { return f(string(step)) }
}

// AtRotationStep has f called at each step of a rotation of the master key, with
// what has happened. Its error fails the rotation.
func AtRotationStep(c *Config, f func(step string) error) {
	c.rotationStep = func(step rotationStep) error { return f(string(step)) }
}

// LimitPages lets the SQLite database grow to so many pages, as a full disk
// would; 1 means no more than it has.
func (s *Server) LimitPages(ctx context.Context, pages int) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		return err
	})
}

// Resolver returns what finds the instance of a host, with caches of its own.
func (s *Server) Resolver(first string) func(context.Context, string) (string, bool, error) {
	return s.hosts(first).resolve
}

// LockDirectory takes a data directory, until what it returns is closed. file is
// what the lock is held by.
func LockDirectory(dir string) (lock io.Closer, file uintptr, err error) {
	l, err := lockDirectory(dir)
	if err != nil {
		return nil, 0, err
	}
	return l, l.file.Fd(), nil
}
