// Command bench measures the server on this machine, against the cheapest
// handler that could give the same answers, and prints what it found as
// markdown. docs/performance.md says how to read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is one of the processes that are measured if the arguments say so, else
// the measurement.
func run(ctx context.Context, args []string) error {
	if len(args) > 1 {
		switch args[0] {
		case ceilingRole:
			return serveCeiling(ctx, args[1])
		case candidateRole:
			return serveCandidate(ctx, args[1], args[2:])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bastide-bench-")
	if err != nil {
		return err
	}
	results, err := measure(ctx, o, dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	text := results.markdown()
	if o.output != "" {
		return replaceInFile(o.output, text)
	}
	_, err = fmt.Print(text)
	return err
}
