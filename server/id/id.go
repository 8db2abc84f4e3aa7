// Package id makes ids, tokens and keys for sealing secrets.
package id

import (
	"errors"
	"strconv"
	"sync"
	"time"
)

// epoch is such that ids have 18 digits from 2023 until 2050.
var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const (
	workerBits   = 10
	sequenceBits = 10

	// Workers is the number of processes that can make ids at the same time.
	Workers = 1 << workerBits
)

// ErrLeaseOver says that the worker number may not be used any longer.
var ErrLeaseOver = errors.New("id: the lease of the worker number is over")

// Generator makes ids of 18 decimal digits, in the order of time. It never
// goes back when the clock does. It is safe for concurrent use.
type Generator struct {
	now    func() time.Time
	worker int64

	mu       sync.Mutex
	last     int64 // Unix milliseconds
	sequence int64
	until    int64
}

// NewGenerator returns a generator for a worker number below Workers whose ids
// are later than floor and not later than until, both in Unix milliseconds.
func NewGenerator(now func() time.Time, worker int, floor, until int64) *Generator {
	return &Generator{now: now, worker: int64(worker), last: floor + 1, until: until}
}

// Next returns a new id, or ErrLeaseOver.
func (g *Generator) Next() (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now().UnixMilli()
	switch {
	case now > g.last:
		g.last, g.sequence = now, 0
	case g.sequence+1 < 1<<sequenceBits:
		g.sequence++
	default: // the millisecond is full: borrow from the next
		g.last, g.sequence = g.last+1, 0
	}
	if g.last > g.until {
		return "", ErrLeaseOver
	}
	n := ((g.last-epoch)<<workerBits|g.worker)<<sequenceBits | g.sequence
	return strconv.FormatInt(n, 10), nil
}

// Extend lets the generator run until a later time, in Unix milliseconds.
func (g *Generator) Extend(until int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = until
}

// Last returns the Unix milliseconds that no id made so far is later than.
func (g *Generator) Last() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}
