//go:build !linux

package main

import "time"

// waitUntil returns at a time, or up to a millisecond later.
func waitUntil(due time.Time) { time.Sleep(time.Until(due)) }
