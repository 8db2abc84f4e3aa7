package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bastide-id/bastide/server"
)

type statusCommand struct {
	place `group:"place"`
}

// Help says what the exit code is good for.
func (statusCommand) Help() string {
	return `It asks the server through the socket in its data directory, and the server
asks its database. It fails if one of them does not answer, so that it can be
the health check of a container, which needs no shell and no port for it.`
}

// Run prints what the server that runs on the data directory says of itself.
func (s statusCommand) Run(ctx context.Context, p *process) error {
	c, err := complete(server.Config{}, s.place)
	if err != nil {
		return err
	}
	status, err := server.ReadStatus(ctx, c.DataDir)
	if errors.Is(err, server.ErrNotRunning) {
		return fmt.Errorf("start it, or name its data directory with --data-dir: %w", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Bastide %s runs at %s (process %d, schema version %d).\n", status.Version, status.URL, status.PID, status.SchemaVersion)
	return err
}
