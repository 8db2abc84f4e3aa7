package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// waitUntil returns at a time. The timers of Go are rounded up to a millisecond
// in a process that has nothing else to do, which is longer than most calls
// take.
func waitUntil(due time.Time) {
	for {
		left := time.Until(due)
		if left <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&ts, nil) // a signal only wakes it too early
	}
}
