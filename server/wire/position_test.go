package wire_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

// The answer to a call that changed something has the position in its header in
// every protocol, however the call ended, and no other answer has.
func TestPositionOfAnswer(t *testing.T) {
	f := start(t, nil)
	p := caller.NewPosition()
	me := &authv1.GetMyUserResponse{User: &userv1.User{Id: "u1"}}
	for _, test := range []struct {
		name  string
		note  bool
		after func() (*authv1.GetMyUserResponse, error)
		code  connect.Code
	}{
		{"read", false, func() (*authv1.GetMyUserResponse, error) { return me, nil }, 0},
		{"read that fails", false, func() (*authv1.GetMyUserResponse, error) { return nil, fault.UserUnknown.With() }, connect.CodeNotFound},
		{"change", true, func() (*authv1.GetMyUserResponse, error) { return me, nil }, 0},
		{"empty message", true, func() (*authv1.GetMyUserResponse, error) { return &authv1.GetMyUserResponse{}, nil }, 0},
		{"large message", true, func() (*authv1.GetMyUserResponse, error) {
			return &authv1.GetMyUserResponse{User: &userv1.User{Id: strings.Repeat("u", 100_000)}}, nil
		}, 0},
		{"error after it", true, func() (*authv1.GetMyUserResponse, error) { return nil, fault.UserUnknown.With() }, connect.CodeNotFound},
		{"no token after it", true, func() (*authv1.GetMyUserResponse, error) { return nil, fault.TokenInvalid.With() }, connect.CodeUnauthenticated},
		{"panic after it", true, func() (*authv1.GetMyUserResponse, error) { panic("after") }, connect.CodeInternal},
		{"message that cannot be written", true, func() (*authv1.GetMyUserResponse, error) {
			return &authv1.GetMyUserResponse{User: &userv1.User{Id: "\xff"}}, nil
		}, connect.CodeInternal},
	} {
		f.services.behaves(func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
			if test.note {
				caller.ConsistencyOf(ctx).Note(p)
			}
			return test.after()
		})
		want := ""
		if test.note {
			want = p.String()
		}
		for _, s := range speakers {
			got := s.send(t, f, getMyUser())
			if told := strings.Join(got.header["X-Bastide-Position"], "|"); told != want || got.code != test.code {
				t.Errorf("%s, %s: position %q, want %q; %v %s", test.name, s.name, told, want, got.code, got.message)
			}
		}
	}
}

// Clients that others publish read the position, of errors too.
func TestPositionForClients(t *testing.T) {
	f := start(t, nil)
	p := caller.NewPosition()
	for _, failure := range []error{nil, fault.UserUnknown.With()} {
		f.services.behaves(func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
			caller.ConsistencyOf(ctx).Note(p)
			return &authv1.GetMyUserResponse{}, failure
		})
		for name, options := range map[string][]connect.ClientOption{
			"connect": nil, "grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()},
		} {
			var told string
			options = append(options, connect.WithInterceptors(connect.UnaryInterceptorFunc(asOwner), connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
				return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
					response, err := next(ctx, r)
					var e *connect.Error
					if errors.As(err, &e) {
						told = e.Meta().Get("X-Bastide-Position")
					} else if err == nil {
						told = response.Header().Get("X-Bastide-Position")
					}
					return response, err
				}
			})))
			client := client1
			if name == "grpc" {
				client = client2
			}
			_, err := authv1connect.NewAuthServiceClient(client, "http://"+f.addr, options...).GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			if told != p.String() || (err != nil) != (failure != nil) {
				t.Errorf("%s: position %q, want %s; %v", name, told, p, err)
			}
		}
		var header metadata.MD
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+ownerToken)
		err := dial(t, f).Invoke(ctx, "/zitadel.auth.v1.AuthService/GetMyUser", &authv1.GetMyUserRequest{}, &authv1.GetMyUserResponse{}, grpc.Header(&header))
		if told := header.Get("x-bastide-position"); len(told) != 1 || told[0] != p.String() || (err != nil) != (failure != nil) {
			t.Errorf("grpc-go: position %q, want %s; %v", told, p, err)
		}
	}
}

// Who comes with a position that was not heard of has everything asked of the
// database, from the host on.
func TestPositionOfRequest(t *testing.T) {
	heard, unheard := caller.NewPosition(), caller.NewPosition()
	var atHost, atToken, asked, confirmed atomic.Int64
	count := func(n *atomic.Int64, ctx context.Context) {
		if caller.IsBehind(ctx) {
			n.Add(1)
		}
	}
	f := start(t, func(c *wire.Config) {
		c.Heard = func(p caller.Position) bool {
			asked.Add(1)
			return p == heard
		}
		c.Confirm = func(caller.Position) { confirmed.Add(1) }
		lookUp, authenticate := c.Resolve, c.Authenticate
		c.Resolve = func(ctx context.Context, host string) (string, bool, error) {
			count(&atHost, ctx)
			return lookUp(ctx, host)
		}
		c.Authenticate = func(ctx context.Context, token string, audiences []string) (caller.Caller, error) {
			count(&atToken, ctx)
			return authenticate(ctx, token, audiences)
		}
	})
	var inMethod, inPublic atomic.Int64
	f.services.behaves(func(ctx context.Context) (*authv1.GetMyUserResponse, error) {
		count(&inMethod, ctx)
		return &authv1.GetMyUserResponse{}, nil
	})
	f.services.public = func(_ http.ResponseWriter, r *http.Request) { count(&inPublic, r.Context()) }
	for _, test := range []struct {
		header http.Header
		asks   int64
		behind int64
	}{
		{nil, 0, 0},
		{http.Header{"X-Bastide-Position": {""}}, 0, 0},
		{http.Header{"X-Bastide-Position": {heard.String()}}, 1, 0},
		{http.Header{"X-Bastide-Position": {" " + unheard.String() + " "}}, 1, 1},
	} {
		seen := func() [6]int64 {
			return [6]int64{asked.Swap(0), atHost.Swap(0), atToken.Swap(0), inMethod.Swap(0), inPublic.Swap(0), confirmed.Swap(0)}
		}
		for _, s := range speakers {
			r := getMyUser()
			r.header = test.header
			if got := s.send(t, f, r); got.code != 0 || got.header.Get("X-Bastide-Position") != "" {
				t.Errorf("%s: %v %s", s.name, got.code, got.message)
			}
			if got, want := seen(), [6]int64{test.asks, test.behind, test.behind, test.behind, 0, test.behind}; got != want {
				t.Errorf("%s, %v: %v, want %v", s.name, test.header, got, want)
			}
			// Whoever is not known is behind too, but starts nothing.
			stranger := getMyUser()
			stranger.header, stranger.token = test.header, "no-token"
			if got := s.send(t, f, stranger); got.code != connect.CodeUnauthenticated {
				t.Errorf("%s: %v %s", s.name, got.code, got.message)
			}
			if got, want := seen(), [6]int64{test.asks, test.behind, test.behind}; got != want {
				t.Errorf("%s, a stranger, %v: %v, want %v", s.name, test.header, got, want)
			}
		}
		for _, path := range publicPaths {
			f.rest(t, "GET", path, "", func(r *http.Request) {
				for name, values := range test.header {
					r.Header[name] = values
				}
			})
			if got, want := seen(), [6]int64{test.asks, test.behind, 0, 0, test.behind, 0}; got != want {
				t.Errorf("%s, %v: %v, want %v", path, test.header, got, want)
			}
		}
	}
}

// The endpoints of OAuth tell a position too, whatever they answer with.
func TestPositionOfPublicAnswer(t *testing.T) {
	f := start(t, nil)
	p := caller.NewPosition()
	for name, after := range map[string]func(http.ResponseWriter){
		"a status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"a body":   func(w http.ResponseWriter) { _, _ = w.Write([]byte("{}")) },
		"nothing":  func(http.ResponseWriter) {},
		"a panic":  func(http.ResponseWriter) { panic("after") },
	} {
		f.services.public = func(w http.ResponseWriter, r *http.Request) {
			caller.ConsistencyOf(r.Context()).Note(p)
			after(w)
		}
		res, _ := f.rest(t, "POST", "/oauth/v2/revoke", "", nil)
		if told := res.Header["X-Bastide-Position"]; len(told) != 1 || told[0] != p.String() {
			t.Errorf("%s: position %q, want %s", name, told, p)
		}
	}
	reached := false
	f.services.public = func(http.ResponseWriter, *http.Request) { reached = true }
	for _, bad := range [][]string{{"1"}, {p.String(), p.String()}} {
		res, body := f.rest(t, "POST", "/oauth/v2/revoke", "", func(r *http.Request) { r.Header["X-Bastide-Position"] = bad })
		if res.StatusCode != 400 || !strings.Contains(body, `"error":"invalid_request"`) || !strings.Contains(body, "x-bastide-position") || reached {
			t.Errorf("%q: HTTP %d %s", bad, res.StatusCode, body)
		}
	}
}
