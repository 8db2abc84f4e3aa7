package job

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bed runs jobs by the clock of the bubble.
type bed struct {
	*Runner
	log   *bytes.Buffer
	began time.Time
	ran   []time.Duration
}

// at returns the time that is so long after the beginning.
func (b *bed) at(after time.Duration) time.Time { return b.began.Add(after) }

// in runs a test in a bubble, with a job that notes when it runs and then does
// what the function says, by how often it ran.
func in(t *testing.T, rest time.Duration, run func(b *bed, n int) (time.Time, error), test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{log: new(bytes.Buffer), began: time.Now()}
		b.Runner = New(Options{
			Jobs: []Job{{Name: "work", Rest: rest, Run: func(context.Context) (time.Time, error) {
				b.ran = append(b.ran, time.Since(b.began))
				return run(b, len(b.ran))
			}}},
			Log: slog.New(slog.NewTextHandler(b.log, nil)),
		})
		b.Start()
		test(b)
		b.Close()
	})
}

// wait lets time pass.
func wait(d time.Duration) {
	time.Sleep(d) // of the bubble
	synctest.Wait()
}

func (b *bed) want(t *testing.T, ran ...time.Duration) {
	t.Helper()
	if len(ran) != len(b.ran) {
		t.Fatalf("the job ran at %v, not at %v", b.ran, ran)
	}
	for i := range ran {
		if b.ran[i] != ran[i] {
			t.Fatalf("the job ran at %v, not at %v", b.ran, ran)
		}
	}
}

// nothing is what a job returns that does not know when it is next due.
func nothing(*bed, int) (time.Time, error) { return time.Time{}, nil }

func TestRunsWhenItIsDue(t *testing.T) {
	in(t, 0, func(b *bed, n int) (time.Time, error) {
		return []time.Time{b.at(time.Minute), b.at(5 * time.Hour), {}}[n-1], nil
	}, func(b *bed) {
		wait(100 * time.Hour)
		b.want(t, 0, time.Minute, 5*time.Hour)
	})
}

func TestRunsWhenItIsExpected(t *testing.T) {
	in(t, 0, nothing, func(b *bed) {
		wait(time.Hour)
		b.want(t, 0)
		b.Expect("work", b.at(3*time.Hour))
		b.Expect("work", b.at(2*time.Hour))
		b.Expect("work", b.at(4*time.Hour)) // comes to nothing: the run at two tells what is next
		wait(100 * time.Hour)
		b.want(t, 0, 2*time.Hour)
		b.Expect("work", b.at(0))
		wait(0)
		b.want(t, 0, 2*time.Hour, 101*time.Hour)
	})
}

// What is expected while the job runs is of the next run.
func TestExpectedWhileItRuns(t *testing.T) {
	in(t, 0, func(b *bed, n int) (time.Time, error) {
		if n == 1 {
			b.Expect("work", b.at(time.Minute))
			return b.at(time.Hour), nil
		}
		return time.Time{}, nil
	}, func(b *bed) {
		wait(100 * time.Hour)
		b.want(t, 0, time.Minute)
	})
}

func TestRests(t *testing.T) {
	in(t, time.Minute, func(b *bed, n int) (time.Time, error) {
		if n < 3 {
			return b.at(0), nil
		}
		return time.Time{}, nil
	}, func(b *bed) {
		wait(time.Minute / 2)
		b.Expect("work", b.at(0))
		wait(time.Hour)
		b.want(t, 0, time.Minute, 2*time.Minute)
	})
}

// The pauses after failures grow, and begin anew after a success. Nothing that
// is expected makes them shorter.
func TestFailures(t *testing.T) {
	const failures = 8
	in(t, 0, func(b *bed, n int) (time.Time, error) {
		switch {
		case n == 2:
			panic("mistake")
		case n <= failures || n == failures+2:
			return b.at(0), errors.New("broken")
		case n == failures+1:
			return b.at(time.Hour), nil
		}
		return time.Time{}, nil
	}, func(b *bed) {
		for range 20 {
			wait(100 * time.Millisecond)
			b.Expect("work", b.at(0))
		}
		wait(2 * time.Hour)
		second := time.Second
		b.want(t, 0, second, 3*second, 7*second, 15*second, 31*second, 63*second, 123*second, 183*second, time.Hour, time.Hour+second)
		text := b.log.String()
		if n := strings.Count(text, "job=work"); n != failures+1 || strings.Count(text, "mistake") != 1 || !strings.Contains(text, "job_test.go") {
			t.Errorf("%d lines are in the log: %s", n, text)
		}
	})
}

// A failure is tried again although nothing else is due.
func TestExpectedThenFailed(t *testing.T) {
	in(t, time.Minute, func(_ *bed, n int) (time.Time, error) {
		if n == 1 {
			return time.Time{}, errors.New("broken")
		}
		return time.Time{}, nil
	}, func(b *bed) {
		wait(100 * time.Hour)
		b.want(t, 0, time.Minute)
	})
}

func TestJobsDoNotDisturbEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		runs := map[string]int{}
		running := 0
		job := func(name string, every time.Duration, err error) Job {
			return Job{Name: name, Run: func(context.Context) (time.Time, error) {
				runs[name]++
				if running++; running > 1 {
					t.Error("two run at once")
				}
				time.Sleep(time.Second)
				running--
				return time.Now().Add(every), err
			}}
		}
		r := New(Options{Jobs: []Job{
			job("hour", time.Hour, nil), job("minute", time.Minute, nil), job("broken", 0, errors.New("broken")),
		}, Log: slog.New(slog.DiscardHandler)})
		r.Start()
		wait(10*time.Hour - time.Since(began))
		r.Close()
		if runs["hour"] != 10 || runs["minute"] < 500 || runs["broken"] < 500 {
			t.Errorf("the jobs ran %v times", runs)
		}
	})
}

// A clock that was moved on is noticed a while later.
func TestClockIsMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		runs := 0
		r := New(Options{
			Jobs: []Job{{Name: "work", Run: func(context.Context) (time.Time, error) {
				runs++
				return now().Add(24 * time.Hour), nil
			}}},
			Now: now,
		})
		r.Start()
		wait(time.Second)
		ahead.Store(int64(25 * time.Hour))
		wait(longestSleep)
		r.Close()
		if runs != 2 {
			t.Errorf("the job ran %d times", runs)
		}
	})
}

// Close ends the job that runs, waits for it, and starts no other.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		log := new(bytes.Buffer)
		r := New(Options{Jobs: []Job{{Name: "work", Run: func(ctx context.Context) (time.Time, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return time.Time{}, ctx.Err()
		}}}, Log: slog.New(slog.NewTextHandler(log, nil))})
		r.Start()
		synctest.Wait()
		r.Close()
		if !ended || log.Len() > 0 {
			t.Errorf("the job ended: %t, the log has %q", ended, log)
		}
		r.Expect("work", time.Time{}) // harmless
	})
	New(Options{}).Close() // never started
}

func TestExpectNobody(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a job that there is not is expected")
		}
	}()
	New(Options{}).Expect("work", time.Now())
}

// Expect is called for each token that is issued.
func TestExpectAllocatesNothing(t *testing.T) {
	r := New(Options{Jobs: []Job{{Name: "work"}}})
	at := time.Now()
	if n := testing.AllocsPerRun(100, func() { r.Expect("work", at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
