package wire_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// logs are the lines of a server.
type logs struct {
	// running are the requests whose line may still come.
	running sync.WaitGroup
	mu      sync.Mutex
	lines   []string
}

func (l *logs) Enabled(context.Context, slog.Level) bool { return true }
func (l *logs) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logs) WithGroup(string) slog.Handler            { return l }

func (l *logs) Handle(ctx context.Context, r slog.Record) error {
	var b bytes.Buffer
	if err := slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}).Handle(ctx, r); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, b.String())
	return nil
}

// take returns the lines since the last time, of requests that have ended.
func (l *logs) take() []string {
	l.running.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}
