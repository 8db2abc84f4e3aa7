package wire_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"golang.org/x/net/http2"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

func TestHeaderLimit(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Limits.MaxHeaderBytes = 8 << 10 })
	for size, want := range map[int]int{4 << 10: 200, 32 << 10: 431} {
		for name, client := range map[string]*http.Client{"HTTP/1.1": client1, "HTTP/2": client2} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.addr+"/debug/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Padding", strings.Repeat("x", size))
			res, err := client.Do(req)
			if err != nil {
				// An HTTP/2 client knows the limit and does not even send it.
				if want == 200 || client != client2 {
					t.Errorf("%s, %d bytes: %v", name, size, err)
				}
				continue
			}
			_ = res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s, %d bytes: HTTP %d", name, size, res.StatusCode)
			}
		}
	}
}

// TestHeaderStalls opens a connection and never ends its header.
func TestHeaderStalls(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Limits.HeaderTimeout = shortTime })
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /debug/healthz HTTP/1.1\r\nHost: own.test\r\n"); err != nil {
		t.Fatal(err)
	}
	// The server closes the connection; without the limit this never returns.
	if _, err := io.ReadAll(conn); err != nil {
		t.Error(err)
	}
}

// TestIdleConnection keeps a connection open after its request.
func TestIdleConnection(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Limits.IdleTimeout = shortTime })
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /debug/healthz HTTP/1.1\r\nHost: own.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	if _, err := io.ReadAll(reader); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	d := wire.DefaultLimits()
	if d.MaxBody != 1<<20 || d.MaxStreams != 250 || d.CallTimeout.Seconds() != 30 {
		t.Errorf("%+v", d)
	}
	f := start(t, nil)
	s := f.wire.Server(http.NotFoundHandler())
	if s.ReadHeaderTimeout != d.HeaderTimeout || s.IdleTimeout != d.IdleTimeout || s.MaxHeaderBytes != d.MaxHeaderBytes ||
		s.HTTP2.MaxConcurrentStreams != d.MaxStreams || s.WriteTimeout <= d.CallTimeout {
		t.Errorf("%+v", s)
	}
	s.ErrorLog.Print("from the server")
	if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], "from the server") {
		t.Errorf("%q", lines)
	}
}

func TestProbes(t *testing.T) {
	var down error
	f := start(t, func(c *wire.Config) { c.Ready = func(context.Context) error { return down } })
	get := func(verb, path string) string {
		res, body := f.rest(t, verb, path, "", func(r *http.Request) { r.Header.Del("Authorization"); r.Host = "nowhere.test" })
		return fmt.Sprint(res.StatusCode, " ", body)
	}
	health := func(service string) string {
		res, body := f.rest(t, "POST", "/grpc.health.v1.Health/Check", `{"service":"`+service+`"}`, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("Content-Type", "application/json")
		})
		return fmt.Sprint(res.StatusCode, " ", strings.ReplaceAll(body, " ", ""))
	}
	expect := func(what, got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	expect("healthz", get("GET", "/debug/healthz"), "200 ok")
	expect("head", get("HEAD", "/debug/healthz"), "200 ")
	expect("post", get("POST", "/debug/healthz"), "405")
	expect("ready", get("GET", "/debug/ready"), "200 ok")
	expect("server", health(""), `200 {"status":"SERVING_STATUS_SERVING"}`)
	expect("service", health("zitadel.auth.v1.AuthService"), `200 {"status":"SERVING_STATUS_SERVING"}`)
	expect("stranger", health("x.Y"), "404")
	down = errors.New("database is gone")
	expect("healthz", get("GET", "/debug/healthz"), "200 ok")
	expect("ready", get("GET", "/debug/ready"), "503 not ready")
	expect("server", health(""), `200 {"status":"SERVING_STATUS_NOT_SERVING"}`)
}

func TestReflection(t *testing.T) {
	f := start(t, nil)
	stream := grpcreflect.NewClient(client2, "http://"+f.addr, connect.WithGRPC()).NewStream(t.Context())
	defer func() { _, _ = stream.Close() }()
	names, err := stream.ListServices()
	if err != nil || len(names) != 5 || !slices.Contains(names, "grpc.health.v1.Health") {
		t.Fatal(names, err)
	}
	files, err := stream.FileContainingSymbol("zitadel.auth.v1.AuthService")
	if err != nil || len(files) == 0 {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	f := start(t, nil)
	for name, change := range map[string]func(*wire.Config){
		"no resolve":      func(c *wire.Config) { c.Resolve = nil },
		"no owner":        func(c *wire.Config) { c.Directory.OwnerOf = nil },
		"no external url": func(c *wire.Config) { c.ExternalURL = "" },
	} {
		config := f.config
		change(&config)
		if _, err := wire.New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w := mustWire(t, f)
	path, handler := authv1connect.NewAuthServiceHandler(f.services, w.HandlerOptions()...)
	for name, services := range map[string][]wire.Service{
		"unknown": {{Path: "/zitadel.nothing.v1.Service/", Handler: handler}},
		"message": {{Path: "/zitadel.auth.v1.GetMyUserRequest/", Handler: handler}},
		"twice":   {{Path: path, Handler: handler}, {Path: path, Handler: handler}},
		"no rule": {{Path: "/grpc.reflection.v1.ServerReflection/", Handler: handler}},
	} {
		if _, err := mustWire(t, f).Handler(services, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestUnmountedHandler serves a handler whose service was not mounted: it has no
// rule to be decided by.
func TestUnmountedHandler(t *testing.T) {
	f := start(t, nil)
	w := mustWire(t, f)
	_, handler := authv1connect.NewAuthServiceHandler(f.services, w.HandlerOptions()...)
	if _, err := w.Handler(nil, nil); err != nil {
		t.Fatal(err)
	}
	f.services.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { return nil, fault.CallerGone.With() })
	server := serverOf(t, handler)
	_, err := authv1connect.NewAuthServiceClient(client1, server).GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
	if connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("%v", err)
	}
}

// TestStreamLimit reads what the server promises when a connection opens, which
// is what HTTP/2 holds its callers to (RFC 9113, 5.1.2).
func TestStreamLimit(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Limits.MaxStreams = 7 })
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	frame, err := framer.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("the first frame is %v", frame)
	}
	if limit, set := settings.Value(http2.SettingMaxConcurrentStreams); !set || limit != 7 {
		t.Errorf("the server takes %d streams", limit)
	}
}
