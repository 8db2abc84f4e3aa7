// Command bastide is the server and its command line. This package only
// wires: what the server does is in the server package.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// Signals mean again what they do by default before the server hears of
		// the first one and drains, so that a second one ends the process at
		// once.
		signal.Stop(signals)
		cancel()
	}()
	os.Exit(run(ctx, os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
