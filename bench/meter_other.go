//go:build !linux

package main

import (
	"errors"
	"time"
)

// measurable tells that the processor time of another process can be read.
const measurable = false

// processorTime returns an error.
func processorTime(int) (time.Duration, error) {
	return 0, errors.New("processor time is measured on Linux only")
}
