package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/bastide-id/bastide/server"
)

type serveCommand struct{ settings }

// Run serves until ctx ends and the calls that run then have ended.
func (s serveCommand) Run(ctx context.Context, p *process, src *sources) (err error) {
	c, err := s.config(p, src)
	if err != nil {
		return err
	}
	info, _ := debug.ReadBuildInfo()
	c.Version, _ = versions(info)
	running, err := server.New(ctx, c)
	switch {
	case err == nil:
	case ctx.Err() != nil: // a signal, which is no failure, came while it started
		c.Log.Info("stopped before it served", "error", err)
		return nil
	case errors.Is(err, server.ErrLocked):
		return nameRunning(ctx, c.DataDir, err)
	default:
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	w := welcome{config: c, url: running.URL(), configFile: s.Config, program: programLine(p.name, info)}
	if w.directory, err = os.Getwd(); err != nil {
		return err
	}
	greeting := w.short()
	if running.FirstRun() {
		greeting = w.first()
	}
	// A server whose standard output is closed serves all the same.
	_, _ = fmt.Fprint(p.stdout, greeting)
	tuneMemory(ctx)
	return running.Run(ctx)
}

// nameRunning adds to locked which server holds the data directory, if it says
// so.
func nameRunning(ctx context.Context, dataDir string, locked error) error {
	s, err := server.ReadStatus(ctx, dataDir)
	if err != nil {
		return locked
	}
	return fmt.Errorf("%w: process %d runs at %s", locked, s.PID, s.URL)
}
