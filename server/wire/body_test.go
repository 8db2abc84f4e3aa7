package wire_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/wire"
)

// TestBodyStalls lets a caller send half a body and wait: the call ends in its
// time, and the answer says why. It is not taken for a database that is away,
// whose errors are those of a network too.
func TestBodyStalls(t *testing.T) {
	f := start(t, func(c *wire.Config) {
		shortCalls(c)
		c.Translate = store.Fault
	})
	for name, client := range map[string]*http.Client{"HTTP/1.1": client1, "HTTP/2": client2} {
		reader, writer := io.Pipe()
		defer writer.Close()
		go func() { _, _ = writer.Write([]byte(`{"userName":`)) }()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.addr+"/management/v1/users/machine", reader)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = ownHost
		req.Header.Set("Authorization", "Bearer "+ownerToken)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); res.StatusCode != 504 || !bytes.Contains(body, []byte("request.deadline")) {
			t.Errorf("%s: HTTP %d %s", name, res.StatusCode, body)
		}
	}
}

// deadlines is a connection that notes its read deadline.
type deadlines struct {
	*httptest.ResponseRecorder
	read time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.read = at
	return nil
}

// TestReadDeadline looks at the read deadline of the connection while a method
// runs, when it must not end the call, and after a body that was not read, whose
// sender must not hold the connection.
func TestReadDeadline(t *testing.T) {
	f := start(t, nil)
	w := mustWire(t, f)
	handler, err := w.Handler(f.mounted(w), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/auth/v1/users/me", "/zitadel.auth.v1.AuthService/GetMyUser"} {
		conn := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		send := func(token string) {
			verb := http.MethodPost
			if strings.HasPrefix(path, "/auth/") {
				verb = http.MethodGet
			}
			r := httptest.NewRequest(verb, "http://"+ownHost+path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			handler.ServeHTTP(conn, r)
		}
		called := false
		f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) {
			called = true
			if !conn.read.IsZero() {
				t.Errorf("%s: the method runs under a read deadline", path)
			}
			return &authv1.GetMyUserResponse{}, nil
		})
		if send(ownerToken); !called || conn.Code != 200 {
			t.Errorf("%s: %d %s", path, conn.Code, conn.Body)
		}
		if send("nonsense"); conn.read.IsZero() {
			t.Errorf("%s: a refused caller may take forever to send its body", path)
		}
	}
}

// TestCutAnswer has a handler fail after half of its answer has left.
func TestCutAnswer(t *testing.T) {
	f := start(t, nil)
	w := mustWire(t, f)
	handler, err := w.Handler(f.mounted(w), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic("and then")
	}))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(serverOf(t, handler) + "/oauth/half")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks whole")
	}
	if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "and then") {
		t.Errorf("%q", lines)
	}
}

// TestAfterADeadline makes calls on the connection of one that ran out of time
// before its body was looked at: they are none the worse for it.
func TestAfterADeadline(t *testing.T) {
	f := start(t, func(c *wire.Config) {
		shortCalls(c)
		lookUp := c.Resolve
		c.Resolve = func(ctx context.Context, host string) (string, bool, error) {
			if host == "slow.test" {
				<-ctx.Done()
				return "", false, errDatabase
			}
			return lookUp(ctx, host)
		}
	})
	for _, path := range []string{"/auth/v1/users/me", "/oauth/v2/token"} {
		for _, body := range []string{"", "{}"} {
			res, answer := f.rest(t, http.MethodGet, path, body, func(r *http.Request) { r.Host = "slow.test" })
			if res.StatusCode != 504 {
				t.Errorf("%s %q: HTTP %d %s", path, body, res.StatusCode, answer)
			}
			if res, answer := f.rest(t, http.MethodGet, "/auth/v1/users/me", "", nil); res.StatusCode != 200 {
				t.Errorf("after %s %q: HTTP %d %s", path, body, res.StatusCode, answer)
			}
		}
	}
}
