package store

import (
	"context"
	"sync"

	"github.com/bastide-id/bastide/server/caller"
)

const (
	// positionsHeard is how many positions are remembered at least. One that was
	// forgotten costs a barrier and a few queries.
	positionsHeard = 8 << 10
	// positionsAsked bounds what one barrier answers for: callers can make up
	// positions.
	positionsAsked = 1 << 10
)

// positions knows of which changes this process has heard for sure, with all
// that their callers had seen before: those that callers knew of before a barrier
// began that has come back.
type positions struct {
	wake chan struct{} // has one while there is something to ask

	mu sync.Mutex
	// heard is full at positionsHeard; it takes the place of former then.
	heard, former map[caller.Position]struct{}
	asked         map[caller.Position]struct{}
	barrier       *barrier // the one that is under way
}

func newPositions() *positions {
	return &positions{wake: make(chan struct{}, 1)}
}

// Heard reports whether this process has heard for sure of the change at a
// position, and of what its caller had seen before, so that what it serves from
// caches is no older. A call that is told false asks the database
// (caller.Consistency).
func (s *Store) Heard(p caller.Position) bool {
	if s.listener == nil {
		return true // nobody else writes, or nothing is cached
	}
	return s.positions.has(p)
}

// Confirm has this process make sure of a position, so that Heard is true of it
// soon. It waits for nothing.
func (s *Store) Confirm(p caller.Position) {
	if s.listener != nil {
		s.positions.ask(p)
	}
}

// noteChange gives the call of ctx the position of what it committed. It is not
// heard of by that: a caller who sends this position alone may know of changes in
// other processes too.
func noteChange(ctx context.Context) {
	if c := caller.ConsistencyOf(ctx); c != nil {
		c.Note(caller.NewPosition())
	}
}

// has reports whether a position was heard of.
func (ps *positions) has(p caller.Position) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.holds(p)
}

// holds is called by who holds the lock.
func (ps *positions) holds(p caller.Position) bool {
	_, now := ps.heard[p]
	_, before := ps.former[p]
	return now || before
}

// ask asks for a position, unless it was heard of.
func (ps *positions) ask(p caller.Position) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.holds(p) {
		return
	}
	// A barrier that is under way may have been sent before the change: this one
	// waits for the next.
	if ps.asked == nil {
		ps.asked = make(map[caller.Position]struct{})
	}
	if len(ps.asked) < positionsAsked {
		ps.asked[p] = struct{}{}
	}
	select {
	case ps.wake <- struct{}{}:
	default:
	}
}

// remember is called by who holds the lock.
func (ps *positions) remember(more map[caller.Position]struct{}) {
	for p := range more {
		if len(ps.heard) >= positionsHeard {
			ps.former, ps.heard = ps.heard, nil
		}
		if ps.heard == nil {
			ps.heard = make(map[caller.Position]struct{})
		}
		ps.heard[p] = struct{}{}
	}
}
