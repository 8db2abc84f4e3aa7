package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// sample is what one round of load found.
type sample struct {
	calls   int
	elapsed time.Duration
	// process and database are processor time; 0 where it is not measured.
	process, database time.Duration
}

// rate returns calls per second.
func (s sample) rate() float64 { return float64(s.calls) / s.elapsed.Seconds() }

// cost returns the processor time of the server per call.
func (s sample) cost() time.Duration { return s.process / time.Duration(s.calls) }

// databaseCost returns the processor time of the database per call.
func (s sample) databaseCost() time.Duration { return s.database / time.Duration(s.calls) }

// warmUp is how many calls each connection makes before anything is measured.
const warmUp = 5

// load makes calls on that many connections at once, each one after the other,
// for the duration. It returns the first error of any call.
func (t target) load(ctx context.Context, c call, protocol string, connections int, duration time.Duration) (s sample, err error) {
	clients, err := warm(connections, warmUp, func(int) (client, error) {
		return t.dial(ctx, c, protocol, c.message(t.instanceID), duration)
	})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(clients)) }()
	return t.measured(ctx, clients, duration)
}

// warm returns as many clients as are asked for, each of which has made some
// calls.
func warm(number, calls int, dial func(i int) (client, error)) (clients []client, err error) {
	for i := range number {
		c, err := dial(i)
		if err != nil {
			return nil, errors.Join(err, closeAll(clients))
		}
		clients = append(clients, c)
	}
	_, err = together(clients, func(c client, n int) (bool, error) { return n < calls, c.do() })
	if err != nil {
		return nil, errors.Join(err, closeAll(clients))
	}
	return clients, nil
}

func closeAll(clients []client) (err error) {
	for _, c := range clients {
		err = errors.Join(err, c.close())
	}
	return err
}

func (t target) measured(ctx context.Context, clients []client, duration time.Duration) (s sample, err error) {
	process, err := t.process.read()
	if err != nil {
		return s, err
	}
	database, err := t.database.read()
	if err != nil {
		return s, err
	}
	var over atomic.Bool
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	context.AfterFunc(ctx, func() { over.Store(true) })
	start := time.Now()
	s.calls, err = together(clients, func(client client, _ int) (bool, error) {
		err := client.do()
		return !over.Load(), err
	})
	s.elapsed = time.Since(start)
	if err != nil {
		return s, err
	}
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) && err != nil {
		return s, err
	}
	if s.process, err = t.process.since(process); err != nil {
		return s, err
	}
	s.database, err = t.database.since(database)
	return s, err
}

// together calls do for each client at the same time, and for each again until
// it says that there is no more or fails. n counts the calls of a client from
// 1. It returns how many were made, and the errors.
func together(clients []client, do func(c client, n int) (more bool, err error)) (calls int, err error) {
	counts, errs := make([]int, len(clients)), make([]error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			n := 0
			for more := true; more && errs[i] == nil; {
				n++
				more, errs[i] = do(c, n)
			}
			counts[i] = n
		})
	}
	all.Wait()
	for _, n := range counts {
		calls += n
	}
	return calls, errors.Join(errs...)
}
