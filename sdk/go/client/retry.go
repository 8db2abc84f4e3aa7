package client

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"connectrpc.com/connect"
)

// retries says how often and how late a call is repeated: exponential back-off
// with full jitter, so that clients whom one failure struck at once do not come
// back at once.
type retries struct {
	// tries is how often a call is made at most.
	tries       int
	first, most time.Duration
	// random returns a duration in [0, d).
	random func(d time.Duration) time.Duration
	// sleep waits, or returns false if ctx is done before.
	sleep func(ctx context.Context, d time.Duration) bool
}

func defaultRetries() retries {
	return retries{
		tries: 4,
		first: 100 * time.Millisecond,
		most:  2 * time.Second,
		random: func(d time.Duration) time.Duration {
			return rand.N(d) //nolint:gosec // it spreads load, nobody gains by guessing it
		},
		sleep: func(ctx context.Context, d time.Duration) bool {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				return true
			case <-ctx.Done():
				return false
			}
		},
	}
}

// wait waits before the try that follows a number of them. It returns false if
// there shall be none: these were enough, or the deadline would come before.
func (r retries) wait(ctx context.Context, tries int) bool {
	if tries >= r.tries {
		return false
	}
	pause := r.random(min(r.most, r.first<<(tries-1)))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	return r.sleep(ctx, pause)
}

// unavailable gives a failed connection the code Unavailable. Connect knows some
// of them as canceled or late, though neither the caller nor the server says so,
// and an answer that breaks off as unknown or internal.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil || connect.IsWireError(err) {
		return err
	}
	var connection *net.OpError
	broken := errors.As(err, &connection) || errors.Is(err, io.ErrUnexpectedEOF)
	reset := connect.CodeOf(err) == connect.CodeCanceled && !errors.Is(err, context.Canceled)
	if broken || reset {
		return connect.NewError(connect.CodeUnavailable, err)
	}
	return err
}
