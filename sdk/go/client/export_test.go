package client

import (
	"context"
	"time"
)

// WithNow gives the client a clock.
func WithNow(now func() time.Time) Option {
	return func(s *settings) error {
		s.now = now
		return nil
	}
}

// WithPauses has the client draw its pauses by random and hands them to sleep.
func WithPauses(random func(time.Duration) time.Duration, sleep func(context.Context, time.Duration) bool) Option {
	return func(s *settings) error {
		s.retries.random, s.retries.sleep = random, sleep
		return nil
	}
}

// Tries is how often a call is made at most, MostPause how long the longest pause
// may be.
var (
	Tries     = defaultRetries().tries
	MostPause = defaultRetries().most
)
