package wire_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
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

// services implement what the tests call; the rest answers Unimplemented.
type services struct {
	authv1connect.UnimplementedAuthServiceHandler
	mu            sync.Mutex
	audiences     []string
	authenticated []string
	instance      caller.Instance
	organization  string
	machine       *managementv1.AddMachineUserRequest
	update        *adminv1.UpdateIAMMemberRequest
	removed       string
	publicOrigin  string
	getMyUser     func(context.Context) (*authv1.GetMyUserResponse, error)
}

func (s *services) mounted(w *wire.Wire) []wire.Service {
	var all []wire.Service
	add := func(path string, h http.Handler) { all = append(all, wire.Service{Path: path, Handler: h}) }
	options := w.HandlerOptions()
	add(authv1connect.NewAuthServiceHandler(s, options...))
	add(managementv1connect.NewManagementServiceHandler(&management{services: s}, options...))
	add(adminv1connect.NewAdminServiceHandler(&admin{services: s}, options...))
	add(systemv1connect.NewSystemServiceHandler(&system{services: s}, options...))
	return all
}

func (s *services) Healthz(context.Context, *authv1.HealthzRequest) (*authv1.HealthzResponse, error) {
	return &authv1.HealthzResponse{}, nil
}

func (s *services) GetMyUser(ctx context.Context, _ *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	s.mu.Lock()
	s.instance = caller.InstanceOf(ctx)
	behave := s.getMyUser
	s.mu.Unlock()
	if behave != nil {
		return behave(ctx)
	}
	return &authv1.GetMyUserResponse{User: &userv1.User{Id: caller.From(ctx).ID}}, nil
}

// behaves makes GetMyUser do something else.
func (s *services) behaves(f func(context.Context) (*authv1.GetMyUserResponse, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.getMyUser = f
}

func (s *services) servePublic(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/panic") {
		panic("public handler")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publicOrigin = caller.InstanceOf(r.Context()).Origin
	w.WriteHeader(http.StatusTeapot)
}

type management struct {
	managementv1connect.UnimplementedManagementServiceHandler
	*services
}

func (m *management) Healthz(context.Context, *managementv1.HealthzRequest) (*managementv1.HealthzResponse, error) {
	return &managementv1.HealthzResponse{}, nil
}

func (m *management) GetMyOrg(ctx context.Context, _ *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	return &managementv1.GetMyOrgResponse{Org: &orgv1.Org{Id: caller.OrganizationID(ctx)}}, nil
}

func (m *management) AddMachineUser(ctx context.Context, r *managementv1.AddMachineUserRequest) (*managementv1.AddMachineUserResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.machine, m.organization = r, caller.OrganizationID(ctx)
	return &managementv1.AddMachineUserResponse{UserId: "u9"}, nil
}

type admin struct {
	adminv1connect.UnimplementedAdminServiceHandler
	*services
}

func (a *admin) Healthz(context.Context, *adminv1.HealthzRequest) (*adminv1.HealthzResponse, error) {
	return &adminv1.HealthzResponse{}, nil
}

func (a *admin) ListInstanceDomains(_ context.Context, r *adminv1.ListInstanceDomainsRequest) (*adminv1.ListInstanceDomainsResponse, error) {
	return &adminv1.ListInstanceDomainsResponse{SortingColumn: r.GetSortingColumn()}, nil
}

func (a *admin) UpdateIAMMember(_ context.Context, r *adminv1.UpdateIAMMemberRequest) (*adminv1.UpdateIAMMemberResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.update = r
	return &adminv1.UpdateIAMMemberResponse{}, nil
}

func (a *admin) RemoveIAMMember(_ context.Context, r *adminv1.RemoveIAMMemberRequest) (*adminv1.RemoveIAMMemberResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removed = r.GetUserId()
	return &adminv1.RemoveIAMMemberResponse{}, nil
}

type system struct {
	systemv1connect.UnimplementedSystemServiceHandler
	*services
}

func (s *system) Healthz(context.Context, *systemv1.HealthzRequest) (*systemv1.HealthzResponse, error) {
	return &systemv1.HealthzResponse{}, nil
}

func (s *system) GetInstance(ctx context.Context, _ *systemv1.GetInstanceRequest) (*systemv1.GetInstanceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance = caller.InstanceOf(ctx)
	return &systemv1.GetInstanceResponse{}, nil
}

// logs are the lines of a server.
type logs struct {
	// running are the requests whose line may still come.
	running sync.WaitGroup
	mu      sync.Mutex
	lines   []string
}

func (l *logs) Enabled(context.Context, slog.Level) bool { return true }
func (l *logs) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logs) WithGroup(string) slog.Handler            { return l }

func (l *logs) Handle(ctx context.Context, r slog.Record) error {
	var b bytes.Buffer
	if err := slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}).Handle(ctx, r); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, b.String())
	return nil
}

// take returns the lines since the last time, of requests that have ended.
func (l *logs) take() []string {
	l.running.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")
