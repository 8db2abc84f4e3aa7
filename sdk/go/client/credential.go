package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/singleflight"
)

// credential gives the tokens that calls are made with.
type credential interface {
	// token returns one that is not the refused one, and whether it was kept
	// from before, so that a new one may do better. An empty one is sent as none.
	token(ctx context.Context, refused string) (token string, kept bool, err error)
}

// nobody is a caller without a credential.
type nobody struct{}

func (nobody) token(context.Context, string) (string, bool, error) { return "", false, nil }

// fixed is a token that nothing can renew. It is a function, so that nothing
// that prints values can print it.
type fixed func() string

func (f fixed) token(context.Context, string) (string, bool, error) { return f(), false, nil }

// issue gets a new token and tells how long it is good for; 0 if nobody knows.
type issue func(ctx context.Context) (token string, lifetime time.Duration, err error)

// issueTimeout bounds the wait for a new token, for which many callers may wait.
const issueTimeout = 30 * time.Second

// earliest is how long before its end a token is renewed at most.
const earliest = time.Minute

// renewed keeps a token and gets a new one shortly before it expires, or when it
// is refused. Callers who need one at the same time share one request.
type renewed struct {
	now    func() time.Time
	issue  issue
	flight singleflight.Group

	mu   sync.Mutex
	held held
}

// held is a token that was got.
type held struct {
	token fixed
	// renew is when to get the next one, expires when this one is worth nothing.
	// Both are zero if nobody knows.
	renew, expires time.Time
}

func newRenewed(now func() time.Time, issue issue) *renewed { return &renewed{now: now, issue: issue} }

// token returns the kept token, or a new one. It returns the error of issue, or
// that of ctx, while others go on waiting.
func (r *renewed) token(ctx context.Context, refused string) (string, bool, error) {
	if token, ok := r.usable(refused); ok {
		return token, true, nil
	}
	for joined := 0; ; joined++ {
		got := r.flight.DoChan("", func() (any, error) {
			// Another flight may have landed since the look above.
			if token, ok := r.usable(refused); ok {
				return fixed(func() string { return token }), nil
			}
			// The first who asks may hang up without harm to the others.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), issueTimeout)
			defer cancel()
			return r.renew(ctx, refused)
		})
		select {
		case result := <-got:
			if result.Err != nil {
				return "", false, result.Err
			}
			// A flight that began before the refusal may bring the refused token, but
			// not the one after it: that token is what there is.
			if token := result.Val.(fixed)(); token != refused || joined > 0 {
				return token, false, nil
			}
		case <-ctx.Done():
			return "", false, contextError(ctx)
		}
	}
}

// usable returns the kept token if there is one, it is not the refused one, and
// it is not time to renew it.
func (r *renewed) usable(refused string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.token == nil || !r.held.renew.IsZero() && !r.now().Before(r.held.renew) {
		return "", false
	}
	token := r.held.token()
	return token, token != refused
}

// renew gets a token and keeps it. While the server cannot be reached the former
// one is used up.
func (r *renewed) renew(ctx context.Context, refused string) (fixed, error) {
	began := r.now()
	token, lifetime, err := r.issue(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		former := r.held
		if former.token != nil && former.token() != refused && r.now().Before(former.expires) && errors.Is(typed(err), Unavailable) {
			return former.token, nil
		}
		return nil, err
	}
	r.held = held{token: func() string { return token }}
	if lifetime > 0 {
		r.held.expires = began.Add(lifetime)
		r.held.renew = r.held.expires.Add(-min(earliest, lifetime/4))
	}
	return r.held.token, nil
}

// contextError returns the error of a context that is done, with its code.
func contextError(ctx context.Context) error {
	code := connect.CodeCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = connect.CodeDeadlineExceeded
	}
	return connect.NewError(code, ctx.Err())
}
