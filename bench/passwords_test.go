package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

// counter is a client that fails at its last call.
type counter struct{ calls, last int }

func (c *counter) do() error {
	if c.calls++; c.calls == c.last {
		return errors.New("failed")
	}
	return nil
}

func (c *counter) close() error { return nil }

// A call that leaves late is late from when it was due.
func TestPaceCountsFromWhenCallsAreDue(t *testing.T) {
	c := &counter{}
	// All of them are due at once, but for nanoseconds.
	p, err := pace(t.Context(), []client{c}, 1e9, 100)
	if err != nil || c.calls != 100 || len(p.took) != 100 {
		t.Fatalf("%d calls, %d took their time, %v", c.calls, len(p.took), err)
	}
	if first, last := p.took[0], p.took[99]; last <= first {
		t.Errorf("the first call took %s and the last %s, though it waited for all others", first, last)
	}
	if p.kept >= 1 {
		t.Errorf("the rate was kept: %v", p.kept)
	}
}

func TestPaceTakesTurns(t *testing.T) {
	a, b := &counter{}, &counter{}
	p, err := pace(t.Context(), []client{a, b}, 1000, 5*time.Millisecond)
	if err != nil || a.calls != 3 || b.calls != 2 || len(p.took) != 5 {
		t.Errorf("%d and %d calls, %d took their time, %v", a.calls, b.calls, len(p.took), err)
	}
	for i, took := range p.took {
		if took < 0 {
			t.Errorf("call %d was made %s before it was due", i, -took)
		}
	}
}

func TestPaceEnds(t *testing.T) {
	if _, err := pace(t.Context(), []client{&counter{last: 2}}, 1e9, 100); err == nil {
		t.Error("a call failed, and the load ended well")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pace(ended, []client{&counter{}}, 1, time.Hour); err == nil {
		t.Error("a load that was called off ended well")
	}
}
