package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"connectrpc.com/connect"
	"github.com/creack/pty"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
)

// watching answers CreateInstance once the screen shows what it waits for.
type watching struct {
	systemv1connect.UnimplementedSystemServiceHandler
	screen io.Reader
	shown  []byte
	fails  error
}

func (w *watching) CreateInstance(context.Context, *systemv1.CreateInstanceRequest) (*systemv1.CreateInstanceResponse, error) {
	if _, err := io.ReadFull(w.screen, w.shown); err != nil {
		return nil, err
	}
	return &systemv1.CreateInstanceResponse{InstanceId: "1", Pat: "token"}, w.fails
}

func (w *watching) GetInstance(context.Context, *systemv1.GetInstanceRequest) (*systemv1.GetInstanceResponse, error) {
	return &systemv1.GetInstanceResponse{}, nil
}

// On a terminal the line begins before the server answers, and is completed
// afterwards.
func TestProgressOnATerminal(t *testing.T) {
	const begins = "Creating instance acme…"
	key := write(t, "key.pem", privatePEM(t, ecKey(t)))
	for name, test := range map[string]struct {
		fails error
		code  int
		ends  string
	}{
		"done":   {nil, exitOK, `^ done \(\d+ ms\)\r\n$`},
		"failed": {connect.NewError(connect.CodeInternal, errors.New("no")), exitFailed, `^ failed\r\nbastide: internal: no\r\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			screen, terminal, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = screen.Close() })
			service := &watching{screen: screen, shown: make([]byte, len(begins)), fails: test.fails}
			mux := http.NewServeMux()
			mux.Handle(systemv1connect.NewSystemServiceHandler(service))
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			var stdout bytes.Buffer
			code := run(t.Context(), []string{"bastide", "instance", "create", "acme", "--url", server.URL, "--system-key", key}, nil, nil, &stdout, terminal)
			rest := rest(screen, terminal)
			if code != test.code || string(service.shown) != begins || !regexp.MustCompile(test.ends).MatchString(rest) {
				t.Errorf("exit code %d: %q and %q: %s", code, service.shown, rest, &stdout)
			}
		})
	}
}

// rest closes the terminal and returns what its screen shows that nobody read.
func rest(screen, terminal *os.File) string {
	_ = terminal.Close()
	text, _ := io.ReadAll(screen) // its end is an error where the other side is closed
	return string(text)
}
