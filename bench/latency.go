package main

import (
	"context"
	"errors"
	"slices"
	"time"
)

// latencies are how long calls took that were made one after the other on one
// connection.
type latencies []time.Duration

// percentile returns the smallest that is not below p of 100 of them.
func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// creation is how long CreateInstance takes.
type creation struct {
	// token is with a personal access token for the owner; key with a machine
	// key too, from the pairs made ahead; drained the same when none is left.
	token, key, drained latencies
}

const (
	creations      = 300
	creationsQuick = 50
	// keyPairs is how many key pairs the server has made ahead.
	keyPairs = 8
	// keyBursts is how often they are used up.
	keyBursts = 5
)

func measureCreation(ctx context.Context, t target, quick bool) (r creation, err error) {
	number, bursts := creations, keyBursts
	if quick {
		number, bursts = creationsQuick, 1
	}
	if r.token, err = t.creations(ctx, false, number, warmUp); err != nil {
		return r, err
	}
	for range bursts {
		if err := t.settle(ctx); err != nil {
			return r, err
		}
		burst, err := t.creations(ctx, true, keyPairs, 0)
		if err != nil {
			return r, err
		}
		r.key = append(r.key, burst...)
	}
	r.drained, err = t.creations(ctx, true, keyPairs, 0)
	return r, err
}

// creations creates instances and returns how long each took. The first calls
// that warm up are left out.
func (t target) creations(ctx context.Context, key bool, number, warm int) (all latencies, err error) {
	c := chosen([]string{nameCreateInstance})[0]
	client, err := t.dial(ctx, c, connectJSON, newInstance(key), 2*time.Minute)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	for range warm {
		if err := client.do(); err != nil {
			return nil, err
		}
	}
	for range number {
		start := time.Now()
		if err := client.do(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(start))
	}
	return all, ctx.Err()
}

const (
	// settleTime is longer than the server rests between two key pairs.
	settleTime = 2 * time.Second
	// settledCost is what an idle server may use of a processor meanwhile.
	settledCost = 10 * time.Millisecond
	// settleLimit ends the wait for a server that never rests.
	settleLimit = time.Minute
)

// settle returns when the server has nothing left to do by itself, such as key
// pairs to make.
func (t target) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	tick := time.NewTicker(settleTime)
	defer tick.Stop()
	for {
		start, err := t.process.read()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("the server does not come to rest"), ctx.Err())
		case <-tick.C:
		}
		used, err := t.process.since(start)
		if used < settledCost || err != nil {
			return err
		}
	}
}
