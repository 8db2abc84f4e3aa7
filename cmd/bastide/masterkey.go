package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bastide-id/bastide/server"
)

type masterKeyCommand struct {
	Rotate masterKeyRotateCommand `cmd:"" help:"Have the running server make a new master key and seal everything under it, while it serves."`
}

type masterKeyRotateCommand struct {
	place `group:"place"`
}

// Help says what there is to know before and after.
func (masterKeyRotateCommand) Help() string {
	return `The server writes the new key beside the file of the present one, seals what
the database keeps encrypted under it, and puts it in the place of the present
one, whose file it keeps: backups of the database that were taken before need
it. It serves meanwhile. Wherever it is interrupted, its next start goes on.

Back the new file up. Where several servers use one PostgreSQL, each with a
file of its own, replace the files of the others by the new one; they take it
without a restart.`
}

// Run asks the server that runs on the data directory.
func (m masterKeyRotateCommand) Run(ctx context.Context, p *process) error {
	c, err := complete(server.Config{}, m.place)
	if err != nil {
		return err
	}
	done, err := server.RotateMasterKey(ctx, c.DataDir)
	if errors.Is(err, server.ErrNotRunning) {
		return fmt.Errorf("the server that runs rotates the master key: start it, or name its data directory with --data-dir: %w", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, `The master key was rotated; what is encrypted in the database (values: %d) is sealed under the new one.
  %s  the new key, %s…: back it up
  %s  the former key, %s…: backups of the database taken before now need it
Servers on the same database that have a file of their own need the new one in its place.
`, done.Sealed, done.File, done.Key, done.FormerFile, done.FormerKey)
	return err
}
