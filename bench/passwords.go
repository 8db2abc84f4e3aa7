package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	"github.com/bastide-id/bastide/server"
)

const (
	// share is which part of what an idle server can do the caller asks for.
	share = 0.3
	// callers is how many connections it calls on.
	callers = 16
	// crowd is how many connections set passwords for each worker that hashes.
	// It is about as many as may wait for one: none is sent away.
	crowd = 16
)

// crowding is what a caller notices of others whose passwords are hashed.
type crowding struct {
	// most is what an idle server can do, in calls per second, offered what
	// the caller asks for.
	most, offered float64
	rounds        []round
	// hashes is how many passwords were hashed per second meanwhile.
	hashes series
}

// round is what a caller found on an idle server, and right after it while
// passwords were hashed.
type round struct{ idle, busy paced }

func idle(r round) paced { return r.idle }
func busy(r round) paced { return r.busy }

// kept returns the part of its rate that the caller kept, the median of the
// rounds.
func (c crowding) kept(when func(round) paced) float64 {
	var s series
	for _, r := range c.rounds {
		s = append(s, when(r).kept)
	}
	return s.median()
}

// p99 returns the 99th percentile of each round, in milliseconds.
func (c crowding) p99(when func(round) paced) (s series) {
	for _, r := range c.rounds {
		s = append(s, microseconds(when(r).took.percentile(99))/1000)
	}
	return s
}

// slowdown returns how many times longer p99 is while passwords are hashed.
func (c crowding) slowdown() series { return c.p99(busy).over(c.p99(idle)) }

// paced is what a caller found who calls at a fixed rate.
type paced struct {
	// kept is the rate of the answers by that of the calls: 1 if all came in
	// time.
	kept float64
	// took counts from when a call was due, also where it left late because the
	// ones before it were not answered yet.
	took latencies
}

func measureCrowding(ctx context.Context, t target, rounds int, duration time.Duration) (r crowding, err error) {
	c := chosen([]string{nameGetMyUser})[0]
	var most series
	for range rounds {
		s, err := t.load(ctx, c, connectJSON, callers, duration)
		if err != nil {
			return r, err
		}
		most = append(most, s.rate())
	}
	r.most = most.median()
	r.offered = share * r.most
	for range rounds {
		var round round
		if round.idle, err = t.paced(ctx, c, r.offered, duration); err != nil {
			return r, err
		}
		hashes, err := t.crowded(ctx, duration, func() error {
			round.busy, err = t.paced(ctx, c, r.offered, duration)
			return err
		})
		if err != nil {
			return r, err
		}
		r.hashes = append(r.hashes, hashes)
		r.rounds = append(r.rounds, round)
	}
	return r, nil
}

// paced makes calls at a rate.
func (t target) paced(ctx context.Context, c call, rate float64, duration time.Duration) (p paced, err error) {
	clients, err := warm(callers, warmUp, func(int) (client, error) {
		return t.dial(ctx, c, connectJSON, c.message(t.instanceID), duration)
	})
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, closeAll(clients)) }()
	return pace(ctx, clients, rate, duration)
}

// pace has the clients take turns in making calls at a rate. A call waits for
// the one before it on its connection, which counts as its own time: a server
// that stalls cannot stop the clock.
func pace(ctx context.Context, clients []client, rate float64, duration time.Duration) (p paced, err error) {
	number := max(1, int(rate*duration.Seconds()))
	p.took = make(latencies, number)
	errs := make([]error, len(clients))
	start := time.Now()
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for n := i; n < number && errs[i] == nil && ctx.Err() == nil; n += len(clients) {
				due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
				waitUntil(due)
				errs[i] = c.do()
				p.took[n] = time.Since(due)
			}
		})
	}
	all.Wait()
	p.kept = min(1, float64(number)/time.Since(start).Seconds()/rate)
	return p, errors.Join(append(errs, ctx.Err())...)
}

// crowded has passwords hashed while it runs meanwhile. It returns how many
// were per second.
func (t target) crowded(ctx context.Context, duration time.Duration, meanwhile func() error) (rate float64, err error) {
	number := crowd * server.Defaults().Limits.PasswordWorkers
	set := call{procedure: managementv1connect.ManagementServiceSetHumanPasswordProcedure}
	clients, err := warm(number, 1, func(i int) (client, error) {
		return t.dial(ctx, set, connectJSON, &managementv1.SetHumanPasswordRequest{
			UserId: t.people[i%len(t.people)], Password: "Secret-of-1-person", NoChangeRequired: true,
		}, duration)
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(clients)) }()
	var over atomic.Bool
	var hashed int
	var failed error
	var crowd sync.WaitGroup
	begun := time.Now()
	crowd.Go(func() {
		hashed, failed = together(clients, func(c client, _ int) (bool, error) {
			err := c.do()
			return !over.Load(), err
		})
	})
	err = meanwhile()
	over.Store(true)
	crowd.Wait()
	return float64(hashed) / time.Since(begun).Seconds(), errors.Join(err, failed)
}
