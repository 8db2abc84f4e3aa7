package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
)

// users answers with a user that has the name, or an error if it has none.
type users struct {
	authv1connect.UnimplementedAuthServiceHandler
	name string
}

func (u users) GetMyUser(context.Context, *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	if u.name == "" {
		return nil, connect.NewError(connect.CodeNotFound, io.EOF)
	}
	return &authv1.GetMyUserResponse{User: &userv1.User{UserName: u.name}}, nil
}

// start serves the handler and returns it as a target.
func start(t *testing.T, handler http.Handler) target {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = bare(handler)
	s.Start()
	t.Cleanup(s.Close)
	address := s.Listener.Addr().String()
	return target{name: "test", address: address, host: address, owner: "token"}
}

func dial(t *testing.T, to target, protocol string) client {
	t.Helper()
	c := chosen([]string{nameGetMyUser})[0]
	client, err := to.dial(t.Context(), c, protocol, c.request(""), spare)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.close() })
	return client
}

func TestClients(t *testing.T) {
	// The large answer comes in chunks over HTTP/1.1, and over HTTP/2 is more
	// than the windows hold at first.
	for _, name := range []string{"a", strings.Repeat("a", 3<<20)} {
		_, handler := authv1connect.NewAuthServiceHandler(users{name: name})
		to := start(t, handler)
		for _, protocol := range []string{connectJSON, grpc} {
			client := dial(t, to, protocol)
			for range 100 {
				if err := client.do(); err != nil {
					t.Fatalf("%s, %d bytes: %v", protocol, len(name), err)
				}
			}
		}
	}
}

func TestClientsSeeErrors(t *testing.T) {
	_, handler := authv1connect.NewAuthServiceHandler(users{})
	to := start(t, handler)
	for protocol, want := range map[string]string{
		connectJSON: `404 Not Found: {"code":"not_found"`,
		grpc:        `gRPC status "5": EOF`,
		rest:        "404 Not Found: 404 page not found",
	} {
		if err := dial(t, to, protocol).do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", protocol, err, want)
		}
	}
}

// script is a connection that answers what it has, whatever is asked.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s script) Write(p []byte) (int, error) { return len(p), nil }

// TestAnswersOfHTTP1 has answers as they come, byte by byte.
func TestAnswersOfHTTP1(t *testing.T) {
	const next = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for answer, good := range map[string]bool{
		"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" + next:                                                      true,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n" + next: true,
		"HTTP/1.1 200 OK\r\n\r\n{}" + next:                                                                           false,
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + next:                                                       false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{":                                                              false,
		"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}" + next:                                                 false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" + next:                                          false,
		"": false,
	} {
		c := newHTTP1Client(script{Reader: strings.NewReader(answer)}, []byte("request"))
		err := c.do()
		if good && err == nil {
			err = c.do() // which shows that the first answer was read to its end
		}
		if (err == nil) != good {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestLoad(t *testing.T) {
	_, handler := authv1connect.NewAuthServiceHandler(users{name: "a"})
	to := start(t, handler)
	c := chosen([]string{nameGetMyUser})[0]
	s, err := to.load(t.Context(), c, connectJSON, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.calls < 4 || s.elapsed <= 0 || s.process != 0 {
		t.Errorf("%+v: every connection makes one call at least", s)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := to.load(ended, c, connectJSON, 1, spare); err == nil {
		t.Error("a load that was called off ended well")
	}
}
