package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server/fault"
)

// answering opens the socket of a data directory with a handler of the test's own.
func answering(t *testing.T, handler http.HandlerFunc) (*adminServer, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bastide") // the name of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	a, err := (&Server{config: Config{DataDir: dir}}).listenAdmin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.http.Handler = handler
	a.serve()
	return a, dir
}

// A call that takes long ends when the server does, and before the database is
// closed that it uses.
func TestAdminCallsEndWithTheServer(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	a, dir := answering(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		_, _ = io.WriteString(w, `{"error":"the server is being stopped"}`)
		close(ended)
	})
	answered := make(chan error)
	go func() { answered <- RotateKeys(t.Context(), dir, "", 0, func(KeyRotation) {}) }()
	<-began
	if err := a.close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	default:
		t.Error("the call still runs")
	}
	if err := <-answered; err == nil || err.Error() != "the server is being stopped" {
		t.Errorf("the caller is told %v", err)
	}
}

// What was done is told even if there is no end, and an answer without an end is
// an error.
func TestRotateKeysReadsWhatTheServerSays(t *testing.T) {
	const one = `{"rotation":{"instanceId":"1","keyId":"2","algorithm":"ES256"}}` + "\n"
	for answer, want := range map[string]string{
		one + `{"done":true}`:       "",
		one + `{"error":"no more"}`: "no more",
		one:                         "the server ended before it was done",
		one + `{"do`:                "the server ended before it was done",
		one + "rubbish":             "cannot be read",
	} {
		a, dir := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/keys/rotate" || r.URL.Query().Get("instance") != "1" || r.URL.Query().Get("announce") != "1h0m0s" {
				t.Errorf("the call is %s %s", r.Method, r.URL)
			}
			_, _ = io.WriteString(w, answer)
		})
		var told []KeyRotation
		err := RotateKeys(t.Context(), dir, "1", time.Hour, func(r KeyRotation) { told = append(told, r) })
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", answer, err)
		}
		if fmt.Sprint(told) != fmt.Sprint([]KeyRotation{{InstanceID: "1", KeyID: "2", Algorithm: "ES256"}}) {
			t.Errorf("%s: told is %+v", answer, told)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
		if err := RotateKeys(t.Context(), dir, "1", time.Hour, nil); !errors.Is(err, ErrNotRunning) {
			t.Errorf("without a server the error is %v", err)
		}
	}
}

// Who is interrupted hears no more.
func TestRotateKeysInterrupted(t *testing.T) {
	a, dir := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"rotation":{"instanceId":"1","keyId":"2"}}`+"\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // which ends with the caller
	})
	ctx, interrupt := context.WithCancel(t.Context())
	if err := RotateKeys(ctx, dir, "", 0, func(KeyRotation) { interrupt() }); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}

// How a rotation ended is told without what is nobody's business.
func TestEndOfRotation(t *testing.T) {
	var log strings.Builder
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	ended, end := context.WithCancel(t.Context())
	end()
	broken := errors.New("disk on fire")
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want rotationLine
	}{
		{ended, nil, rotationLine{Done: true}},
		{t.Context(), fault.InstanceUnknown.With(), rotationLine{Error: `--instance: there is no instance "1"`}},
		{ended, broken, rotationLine{Error: "the server is being stopped"}},
		{t.Context(), broken, rotationLine{Error: "not all keys could be rotated; the log of the server says why"}},
	} {
		if got := s.endOfRotation(test.ctx, "1", test.err); got != test.want {
			t.Errorf("%v: told is %+v", test.err, got)
		}
	}
	if strings.Count(log.String(), "disk on fire") != 1 {
		t.Errorf("the log says %s", &log)
	}
}
