package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bastide-id/bastide/server"
)

type migrateCommand struct {
	place    `group:"place"`
	database `group:"place"`
	logging  `group:"log"`
}

// Run applies the migrations that the database lacks. A server that runs on
// the data directory has applied its own; then it says at which version.
func (m migrateCommand) Run(ctx context.Context, p *process) error {
	c, err := complete(server.Config{Log: m.logger(p)}, m.place, m.database)
	if err != nil {
		return err
	}
	version, err := server.Migrate(ctx, c)
	if errors.Is(err, server.ErrLocked) {
		return reportRunning(ctx, p, c.DataDir, err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "The database has the schema of this program, version %d.\n", version)
	return err
}

// reportRunning says what the server has that holds the lock; locked is the
// error if it does not answer.
func reportRunning(ctx context.Context, p *process, dataDir string, locked error) error {
	s, err := server.ReadStatus(ctx, dataDir)
	if err != nil {
		return fmt.Errorf("%w; it does not answer: %w", locked, err)
	}
	_, err = fmt.Fprintf(p.stdout, "The running server (process %d, version %s) has the schema at version %d.\n", s.PID, s.Version, s.SchemaVersion)
	return err
}
