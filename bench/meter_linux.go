package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// measurable tells that the processor time of another process can be read.
const measurable = true

// processorTime returns the user and system time of a process to the
// nanosecond: each process is a clock of the kernel (clock_getcpuclockid).
// /proc has the same in steps of 10 ms.
func processorTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
