package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/sdk/go/client"
)

// positions answers each call with a position, also where it fails, and returns
// the position that the last call came with.
func (f *fake) positions() func() string {
	f.answer = func(ctx context.Context, _ http.Header) error {
		info, _ := connect.CallInfoForHandlerContext(ctx)
		calls, _ := f.counts()
		position := fmt.Sprintf("position-%d", calls)
		if calls == 3 {
			failed := connect.NewError(connect.CodeInternal, errors.New("after the commit"))
			failed.Meta().Set("X-Bastide-Position", position)
			return failed
		}
		if calls != 2 {
			info.ResponseHeader().Set("X-Bastide-Position", position)
		}
		return nil
	}
	return func() string {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.headers[len(f.headers)-1].Get("X-Bastide-Position")
	}
}

func TestPositionIsCarriedAlong(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		c := f.client(t, protocol, client.WithToken("t"))
		sent := f.positions()
		for n, want := range []string{"", "position-1", "position-1", "position-3", "position-4"} {
			err := write(t, c)
			if failed := err != nil; failed != (n == 2) {
				t.Errorf("call %d: %v", n+1, err)
			}
			if got := sent(); got != want {
				t.Errorf("call %d came with %q, not %q", n+1, got, want)
			}
		}
		// Clients are apart from each other.
		if _ = read(t, f.client(t, protocol, client.WithToken("t"))); sent() != "" {
			t.Errorf("another client came with %q", sent())
		}
	})
}

func TestPositionOfManyCallers(t *testing.T) {
	f := newFake(t)
	c := f.client(t, client.WithToken("t"), client.WithGRPC())
	f.answer = func(ctx context.Context, _ http.Header) error {
		info, _ := connect.CallInfoForHandlerContext(ctx)
		info.ResponseHeader().Set("X-Bastide-Position", "known")
		return nil
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			_ = write(t, c)
			_ = read(t, c)
		})
	}
	group.Wait()
	_ = read(t, c)
	if got := f.headers[len(f.headers)-1].Get("X-Bastide-Position"); got != "known" {
		t.Errorf("the last call came with %q", got)
	}
}
