// Package job runs what comes due by itself, such as sweeping what has expired.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// The pause after a failure doubles from the first to the last.
	firstPause = time.Second
	lastPause  = time.Minute
	// longestSleep is how late a run can be after the clock was set, or the
	// machine slept: a timer counts neither.
	longestSleep = 10 * time.Minute
)

// Job is something that is to be done from time to time.
type Job struct {
	// Name is what Expect and the log call it.
	Name string
	// Rest is the least time between two runs.
	Rest time.Duration
	// Run does what is due and returns when something is due next; the zero
	// time if that is known only when it is expected.
	Run func(ctx context.Context) (next time.Time, err error)
}

// Options say what a Runner works with.
type Options struct {
	Jobs []Job
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Log gets what goes wrong; slog.Default if nil.
	Log *slog.Logger
}

// Runner runs jobs when they are due, one at a time. Between them it sleeps and
// asks nobody. It is safe for concurrent use.
type Runner struct {
	now  func() time.Time
	log  *slog.Logger
	jobs map[string]*job

	wake  chan struct{}
	stop  context.CancelFunc
	over  sync.WaitGroup
	ended context.Context
}

// never is when a job is due that is not.
const never = math.MaxInt64

type job struct {
	Job
	// due is the time of the next run in Unix microseconds.
	due atomic.Int64
	// rested is before when it does not run again, and pause the last one after
	// a failure. They belong to the runner alone.
	rested time.Time
	pause  time.Duration
}

// New returns a Runner that runs nothing until Start.
func New(o Options) *Runner {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Runner{now: o.Now, log: o.Log, jobs: make(map[string]*job), wake: make(chan struct{}, 1)}
	for _, one := range o.Jobs {
		r.jobs[one.Name] = &job{Job: one} // due since 1970
	}
	r.ended, r.stop = context.WithCancel(context.Background())
	return r
}

// Start begins with a run of each job. It is called once at most.
func (r *Runner) Start() { r.over.Go(r.run) }

// Close ends the job that runs by its context and waits for it.
func (r *Runner) Close() {
	r.stop()
	r.over.Wait()
}

// Expect tells that something of the job is due at a time. A run that is due
// earlier stays. It costs next to nothing, and panics if there is no such job.
func (r *Runner) Expect(name string, at time.Time) {
	j := r.jobs[name]
	if j == nil {
		panic("job: there is no job " + name)
	}
	if !j.expect(at) {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// expect reports whether the job is due earlier now than before.
func (j *job) expect(at time.Time) bool {
	for {
		due := j.due.Load()
		if at.UnixMicro() >= due {
			return false
		}
		if j.due.CompareAndSwap(due, at.UnixMicro()) {
			return true
		}
	}
}

func (r *Runner) run() {
	for r.ended.Err() == nil {
		timer := time.NewTimer(r.runDue())
		select {
		case <-r.ended.Done():
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// runDue runs the jobs that are due and returns how long nobody is.
func (r *Runner) runDue() time.Duration {
	sleep := longestSleep
	for _, j := range r.jobs {
		if r.ended.Err() == nil && j.in(r.now()) <= 0 {
			r.runJob(j)
		}
		sleep = min(sleep, j.in(r.now()))
	}
	return sleep
}

// in returns how long it is until the job is due and has rested.
func (j *job) in(now time.Time) time.Duration {
	due := j.due.Load()
	if due == never {
		return longestSleep
	}
	return max(time.UnixMicro(due).Sub(now), j.rested.Sub(now))
}

func (r *Runner) runJob(j *job) {
	j.due.Store(never) // what is expected from here on is of the next run
	next, err := j.attempt(r.ended)
	switch {
	case r.ended.Err() != nil:
		return
	case err != nil:
		j.pause = min(max(2*j.pause, firstPause), lastPause)
		next, j.rested = r.now(), r.now().Add(max(j.pause, j.Rest))
		r.log.Warn("a job in the background failed; it will be tried again", "job", j.Name, "error", err, "pause", j.pause)
	default:
		j.pause, j.rested = 0, r.now().Add(j.Rest)
	}
	if !next.IsZero() {
		j.expect(next)
	}
}

// attempt runs the job. A panic is an error.
func (j *job) attempt(ctx context.Context) (next time.Time, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = errors.Join(err, fmt.Errorf("panic: %v\n%s", thrown, debug.Stack()))
		}
	}()
	return j.Run(ctx)
}
