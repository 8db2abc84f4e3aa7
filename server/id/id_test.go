package id

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const forever = 1 << 62

// still is a clock that stands.
func still() time.Time { return start }

func next(t *testing.T, g *Generator) int64 {
	t.Helper()
	text, err := g.Next()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) != 18 {
		t.Fatalf("%q is no id of 18 digits", text)
	}
	return n
}

func TestIDsHave18Digits(t *testing.T) {
	for _, at := range []time.Time{time.Date(2023, 5, 1, 0, 0, 0, 0, time.UTC), start, time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC)} {
		for _, worker := range []int{0, 1, Workers - 1} {
			next(t, NewGenerator(func() time.Time { return at }, worker, 0, forever))
		}
	}
}

func TestIDsRise(t *testing.T) {
	var at atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(at.Load()) * time.Millisecond) }
	g := NewGenerator(now, 7, 0, forever)
	last := next(t, g)
	for _, ms := range []int64{0, 0, 1, 5, -10_000, -9_999, 3, 100, 99, 100} {
		at.Store(ms)
		for range 2500 { // more than fit in a millisecond
			n := next(t, g)
			if n <= last {
				t.Fatalf("at %d ms: %d after %d", ms, n, last)
			}
			last = n
		}
	}
}

// What two processes make at one time is told apart by their numbers.
func TestWorkersNeverMakeTheSame(t *testing.T) {
	seen := make(map[int64]bool)
	for worker := range Workers {
		g := NewGenerator(still, worker, 0, forever)
		for range 3 {
			n := next(t, g)
			if seen[n] {
				t.Fatalf("%d was made twice", n)
			}
			seen[n] = true
		}
	}
}

func TestFloorAndLease(t *testing.T) {
	now := start.UnixMilli()
	first := next(t, NewGenerator(still, 1, 0, forever))
	if n := next(t, NewGenerator(still, 1, now+1000, forever)); n <= first {
		t.Errorf("%d is not later than the floor", n)
	}
	g := NewGenerator(still, 1, 0, now)
	for range 1 << sequenceBits {
		next(t, g)
	}
	for range 2 {
		if _, err := g.Next(); !errors.Is(err, ErrLeaseOver) {
			t.Fatalf("got %v after the lease", err)
		}
	}
	if g.Last() < now {
		t.Errorf("the last id is of %d, now is %d", g.Last(), now)
	}
	g.Extend(forever)
	last := next(t, g)
	g.Extend(0)
	if _, err := g.Next(); !errors.Is(err, ErrLeaseOver) {
		t.Errorf("got %v from a generator that was stopped", err)
	}
	// Whoever gets the number next begins after everything made so far.
	if n := next(t, NewGenerator(still, 1, g.Last(), forever)); n <= last {
		t.Errorf("%d after %d", n, last)
	}
}

func TestManyIDsAreUnique(t *testing.T) {
	const callers = 8
	each := 1_000_000 / callers
	if raceDetector {
		each /= 20
	}
	g := NewGenerator(time.Now, 1, 0, forever)
	made := make([][]string, callers)
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for range each {
				text, err := g.Next()
				if err != nil {
					t.Error(err)
					return
				}
				made[c] = append(made[c], text)
			}
			if !slices.IsSorted(made[c]) { // all have 18 digits
				t.Error("a caller got ids out of order")
			}
		})
	}
	all.Wait()
	together := slices.Concat(made...)
	slices.Sort(together)
	if distinct := len(slices.Compact(together)); distinct != callers*each {
		t.Errorf("%d ids are distinct of %d", distinct, callers*each)
	}
}
