package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/bastide-id/bastide/server"
)

// settleAfter is when a start has used all the memory that only a start needs.
const settleAfter = 3 * time.Second

// tuneMemory lets the collector of garbage run less often, unless the person
// decided on that (GOGC), and gives back what only the start needed.
func tuneMemory(ctx context.Context) {
	if _, decided := os.LookupEnv("GOGC"); !decided {
		debug.SetGCPercent(server.GCPercent)
	}
	settle := time.AfterFunc(settleAfter, debug.FreeOSMemory)
	context.AfterFunc(ctx, func() { settle.Stop() })
}
