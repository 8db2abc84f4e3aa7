package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// eachFake runs a test by each protocol, each with a fake of its own.
func eachFake(t *testing.T, test func(*testing.T, *fake, client.Option)) {
	t.Helper()
	none := client.WithTimeout(client.DefaultTimeout)
	for name, protocol := range map[string]client.Option{"connect": none, "grpc": client.WithGRPC(), "grpc-web": client.WithGRPCWeb()} {
		t.Run(name, func(t *testing.T) { test(t, newFake(t), protocol) })
	}
}

func TestReadIsRepeated(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		c := f.client(t, protocol, client.WithToken("t"))
		f.answer = func(context.Context, http.Header) error {
			if n, _ := f.counts(); n < client.Tries {
				return fail(connect.CodeUnavailable)
			}
			return nil
		}
		if err := read(t, c); err != nil {
			t.Error(err)
		}
		if n, _ := f.counts(); n != client.Tries {
			t.Errorf("it was called %d times", n)
		}
	})
}

func TestReadIsGivenUp(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		c := f.client(t, protocol, client.WithToken("t"))
		f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnavailable) }
		if err := read(t, c); !errors.Is(err, client.Unavailable) {
			t.Error(err)
		}
		if n, _ := f.counts(); n != client.Tries {
			t.Errorf("it was called %d times", n)
		}
	})
}

func TestWhatIsNotRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		call func(*testing.T, *client.Client) error
		code connect.Code
	}{
		"write":                 {write, connect.CodeUnavailable},
		"read, internal":        {read, connect.CodeInternal},
		"read, not found":       {read, connect.CodeNotFound},
		"read, canceled there":  {read, connect.CodeCanceled},
		"read, too late there":  {read, connect.CodeDeadlineExceeded},
		"read, unauthenticated": {read, connect.CodeUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
				c := f.client(t, protocol, client.WithToken("t"))
				f.answer = func(context.Context, http.Header) error { return fail(test.code) }
				if err := test.call(t, c); connect.CodeOf(err) != test.code {
					t.Error(err)
				}
				if n, _ := f.counts(); n != 1 {
					t.Errorf("it was called %d times", n)
				}
			})
		})
	}
}

// A connection that breaks before the answer is Unavailable, and so repeated
// for a read, never for a write.
func TestBrokenConnection(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		var broken atomic.Int32
		f.Config.Handler = breaking(f.Config.Handler, &broken)
		c := f.client(t, protocol, client.WithToken("t"))
		if err := read(t, c); err != nil || broken.Load() != 2 {
			t.Errorf("a read, after %d: %v", broken.Load(), err)
		}
		broken.Store(0)
		if err := write(t, c); !errors.Is(err, client.Unavailable) || broken.Load() != 1 {
			t.Errorf("a write, after %d: %v", broken.Load(), err)
		}
	})
}

type connKey struct{}

// breaking lets the first connection break without an answer, and the second
// amid one.
func breaking(next http.Handler, broken *atomic.Int32) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() == 2 {
			next.ServeHTTP(w, r)
			return
		}
		if broken.Add(1) == 2 {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			_, _ = w.Write([]byte{0})
			_ = http.NewResponseController(w).Flush()
		}
		r.Context().Value(connKey{}).(net.Conn).Close()
	})
}

func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	for name, credential := range map[string]client.Option{"token": client.WithToken("t"), "key": newFake(t).withKey()} {
		pauses := 0
		c, err := client.New(t.Context(), "http://"+address, credential, client.WithPauses(
			func(d time.Duration) time.Duration { return d },
			func(context.Context, time.Duration) bool { pauses++; return true },
		))
		if err != nil {
			t.Fatal(err)
		}
		if err := read(t, c); !errors.Is(err, client.Unavailable) || pauses != client.Tries-1 {
			t.Errorf("%s: a read, after %d pauses: %v", name, pauses, err)
		}
		pauses = 0
		// Without its token a write was never made.
		want := map[string]int{"token": 0, "key": client.Tries - 1}[name]
		if err := write(t, c); !errors.Is(err, client.Unavailable) || pauses != want {
			t.Errorf("%s: a write, after %d pauses: %v", name, pauses, err)
		}
	}
}

func TestPausesAreDrawn(t *testing.T) {
	f := newFake(t)
	f.answer = func(context.Context, http.Header) error {
		failed := connect.NewError(connect.CodeUnavailable, errors.New("as the test wants it"))
		failed.Meta().Set("Retry-After", "3600") // is not waited for: the pauses are drawn
		return failed
	}
	var bounds, slept []time.Duration
	c := f.client(t, client.WithToken("t"), client.WithPauses(
		func(d time.Duration) time.Duration { bounds = append(bounds, d); return d / 3 },
		func(_ context.Context, d time.Duration) bool { slept = append(slept, d); return true },
	))
	_ = read(t, c)
	want := []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}
	if !slices.Equal(bounds, want) || len(slept) != 3 || slept[2] != want[2]/3 {
		t.Errorf("drawn below %v, slept %v", bounds, slept)
	}
	if client.Tries != 4 || client.MostPause != 2*time.Second {
		t.Errorf("%d tries, with pauses up to %v", client.Tries, client.MostPause)
	}
}

// A pause that would outlast the deadline is not begun: the failure itself says
// more than that time is up.
func TestDeadlineEndsRetries(t *testing.T) {
	f := newFake(t)
	f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnavailable) }
	c := f.client(t, client.WithToken("t"), client.WithPauses(
		func(time.Duration) time.Duration { return time.Hour },
		func(context.Context, time.Duration) bool { t.Error("it slept"); return true },
	))
	if err := read(t, c); !errors.Is(err, client.Unavailable) {
		t.Error(err)
	}
}

func TestCanceled(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		ctx, cancel := context.WithCancel(t.Context())
		f.answer = func(there context.Context, _ http.Header) error {
			cancel()
			<-there.Done()
			return there.Err()
		}
		_, err := f.client(t, protocol, client.WithToken("t")).Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
		if !errors.Is(err, client.Canceled) {
			t.Error(err)
		}
		if n, _ := f.counts(); n != 1 {
			t.Errorf("it was called %d times", n)
		}
	})
}

func TestDefaultDeadline(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		var until time.Time
		f.answer = func(ctx context.Context, _ http.Header) error {
			until, _ = ctx.Deadline()
			return nil
		}
		began := time.Now()
		if err := read(t, f.client(t, protocol, client.WithToken("t"))); err != nil || client.DefaultTimeout != time.Minute ||
			until.IsZero() || until.After(time.Now().Add(client.DefaultTimeout)) || until.Before(began) {
			t.Errorf("began at %v, bounded by %v: %v", began, until, err)
		}
	})
}
