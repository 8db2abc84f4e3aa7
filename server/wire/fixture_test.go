package wire_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/wire"
)

// What the fixture knows: an instance with two hosts of its own and one that
// only leads to it, and four callers named by their tokens.
const (
	ownHost     = "own.test"
	defaultHost = "default.test"
	externalURL = "https://external.test"
	ownerToken  = "owner-token-secret"
	nobodyToken = "nobody-token-secret"
	systemToken = "system-token-secret"
	brokenToken = "broken-token-secret"
)

var errDatabase = errors.New("dial tcp 10.0.0.7:5432: secret cause")

// fixture is a running server over services that hold nothing.
type fixture struct {
	*services
	addr string
	logs *logs
	wire *wire.Wire
	// config is that of the wire.
	config wire.Config
}

// start runs a server on a free port. change may alter its configuration.
func start(t *testing.T, change func(*wire.Config)) *fixture {
	t.Helper()
	f := &fixture{services: new(services), logs: new(logs)}
	config := wire.Config{
		Resolve: resolve, Authenticate: f.authenticate, Memberships: memberships,
		Directory: permission.Directory{
			InstanceExists:     func(_ context.Context, id string) (bool, error) { return id == "i1", nil },
			OrganizationExists: func(_ context.Context, id string) (bool, error) { return id == "o1", nil },
			OwnerOf:            ownerOf,
		},
		Translate:   func(err error) error { return err },
		Ready:       func(context.Context) error { return nil },
		ExternalURL: externalURL,
		Log:         slog.New(f.logs),
	}
	if change != nil {
		change(&config)
	}
	w, err := wire.New(config)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := w.Handler(f.mounted(w), http.HandlerFunc(f.servePublic))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.wire, f.config, f.addr = w, config, listener.Addr().String()
	server := w.Server(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		f.logs.running.Add(1)
		defer f.logs.running.Done()
		handler.ServeHTTP(rw, r)
	}))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return f
}

// serve serves one GET without a connection.
func serve(handler http.Handler, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

// serverOf serves a handler on a free port and returns its URL.
func serverOf(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func resolve(_ context.Context, host string) (string, bool, error) {
	switch host {
	case ownHost, "127.0.0.1", "::1", "xn--bcher-kva.test":
		return "i1", true, nil
	case defaultHost:
		return "i1", false, nil
	case "down.test":
		return "", false, errDatabase
	}
	return "", false, fault.HostUnknown.With(host)
}

func (s *services) authenticate(ctx context.Context, token string, audiences []string) (caller.Caller, error) {
	s.mu.Lock()
	s.audiences, s.authenticated = audiences, append(s.authenticated, token)
	s.mu.Unlock()
	switch {
	case token == systemToken:
		return caller.Caller{Kind: caller.System, ID: "system", Memberships: []caller.Membership{
			{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER", "IAM_OWNER", "ORG_OWNER"}},
		}}, nil
	case token == brokenToken:
		return caller.Caller{}, errDatabase
	case token == ownerToken && caller.InstanceOf(ctx).ID == "i1":
		return caller.Caller{Kind: caller.User, ID: "u1", OrganizationID: "o1"}, nil
	case token == nobodyToken && caller.InstanceOf(ctx).ID == "i1":
		return caller.Caller{Kind: caller.User, ID: "u2", OrganizationID: "o1"}, nil
	}
	return caller.Caller{}, fault.TokenInvalid.With()
}

func ownerOf(_ context.Context, _ bastidev1.Kind, id string) (string, error) {
	if strings.HasPrefix(id, "u") {
		return "o1", nil
	}
	return "", fault.NotFound
}

func memberships(_ context.Context, c caller.Caller) ([]caller.Membership, error) {
	if c.ID == "u1" {
		return []caller.Membership{{Level: caller.InstanceLevel, ID: "i1", Roles: []string{"IAM_OWNER"}}}, nil
	}
	return nil, nil
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")
