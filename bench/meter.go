package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// meter returns the processor time, user and system, that processes have used
// since they began, by their ids. A nil meter measures nothing.
type meter func() (map[int]time.Duration, error)

func (m meter) read() (map[int]time.Duration, error) {
	if m == nil {
		return nil, nil
	}
	return m()
}

// since returns what was used since start was read. A process that ended since
// then does not count.
func (m meter) since(start map[int]time.Duration) (used time.Duration, err error) {
	now, err := m.read()
	for pid, total := range now {
		used += total - start[pid]
	}
	return used, err
}

// ofProcess measures one process.
func ofProcess(pid int) meter {
	if !measurable {
		return nil
	}
	return func() (map[int]time.Duration, error) {
		used, err := processorTime(pid)
		return map[int]time.Duration{pid: used}, err
	}
}

// ofFamily measures a process and its children.
func ofFamily(parent int) meter {
	if !measurable {
		return nil
	}
	return func() (map[int]time.Duration, error) {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return nil, err
		}
		all := make(map[int]time.Duration)
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil {
				continue // not a process
			}
			if of, err := parentOf(pid); pid != parent && (err != nil || of != parent) {
				continue // a process can end at any time
			}
			if used, err := processorTime(pid); err == nil {
				all[pid] = used
			}
		}
		return all, nil
	}
}

// parentOf returns the parent of a process.
func parentOf(pid int) (int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// The name of the program is in parentheses and may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return 0, errors.New("the state of a process cannot be read")
	}
	return strconv.Atoi(fields[1])
}

// memoryOf returns the resident memory of a process now and at its highest, in
// bytes. It returns fs.ErrNotExist on a system that does not say.
func memoryOf(pid int) (now, highest int64, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		switch {
		case err != nil:
		case fields[0] == "VmRSS:":
			now = kilobytes << 10
		case fields[0] == "VmHWM:":
			highest = kilobytes << 10
		}
	}
	if now == 0 {
		return 0, 0, fs.ErrNotExist
	}
	return now, highest, nil
}
