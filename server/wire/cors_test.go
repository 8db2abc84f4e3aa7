package wire_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/wire"
)

const page = "https://app.example.com"

// opened starts a server that the origins may call.
func opened(t *testing.T, origins ...string) *fixture {
	t.Helper()
	return start(t, func(c *wire.Config) {
		c.Limits.MaxBody = bodyLimit
		c.CrossOriginPaths = publicPaths
		var err error
		if c.Origins, err = wire.ParseOrigins(origins); err != nil {
			t.Fatal(err)
		}
	})
}

// preflight asks as a browser does whether a page may send the verb and headers,
// and returns the answer with the log line.
func (f *fixture) preflight(t *testing.T, origin, path, verb, headers string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	f.logs.take()
	res, body := f.rest(t, http.MethodOptions, path, "", func(r *http.Request) {
		r.Header.Del("Authorization")
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", verb)
		if headers != "" {
			r.Header.Set("Access-Control-Request-Headers", headers)
		}
		if change != nil {
			change(r)
		}
	})
	if res.StatusCode == http.StatusNoContent && body != "" {
		t.Errorf("%s: %q", path, body)
	}
	return res, strings.Join(f.logs.take(), "")
}

// crossing returns what an answer says to browsers, by header.
func crossing(h http.Header) map[string]string {
	said := map[string]string{}
	for name, values := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			said[name] = strings.Join(values, "|")
		}
	}
	return said
}

// checkOpen checks that a page may read the answer, and all of its headers that
// count, without what the browser holds.
func checkOpen(t *testing.T, what string, h http.Header, origin string) {
	t.Helper()
	said := crossing(h)
	exposed := strings.Split(said["Access-Control-Expose-Headers"], ", ")
	for _, name := range []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin", "X-Bastide-Next-Page-Token", "X-Bastide-Position", "Www-Authenticate", "Retry-After", "Allow"} {
		if !slices.Contains(exposed, name) {
			t.Errorf("%s: a page cannot read %s", what, name)
		}
	}
	if len(said) != 2 || said["Access-Control-Allow-Origin"] != origin || !slices.Contains(h.Values("Vary"), "Origin") {
		t.Errorf("%s: %v, Vary %q", what, said, h.Values("Vary"))
	}
}

// A preflight is answered by itself: before it is known which instance is called
// and by whom.
func TestPreflight(t *testing.T) {
	f := opened(t, page)
	for _, path := range append([]string{"/auth/v1/users/me", "/zitadel.auth.v1.AuthService/GetMyUser", "/grpc.health.v1.Health/Check", "/nowhere"}, publicPaths...) {
		res, line := f.preflight(t, page, path, "POST", "authorization,content-type", func(r *http.Request) { r.Host = "nowhere.test" })
		said := crossing(res.Header)
		if res.StatusCode != http.StatusNoContent || !maps.Equal(said, map[string]string{
			"Access-Control-Allow-Origin":  page,
			"Access-Control-Allow-Methods": "POST",
			"Access-Control-Allow-Headers": "authorization,content-type",
			"Access-Control-Max-Age":       "7200",
		}) {
			t.Errorf("%s: HTTP %d %v", path, res.StatusCode, said)
		}
		if vary := strings.Join(res.Header.Values("Vary"), ", "); vary != "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" {
			t.Errorf("%s: Vary %s", path, vary)
		}
		if strings.Count(line, "\n") != 1 || !strings.Contains(line, "method=preflight protocol=http code=204") {
			t.Errorf("%s: %q", path, line)
		}
	}
	if len(f.services.authenticated) != 0 {
		t.Errorf("a preflight was authenticated: %q", f.services.authenticated)
	}
	for name, ask := range map[string][2]string{
		"another verb":        {"TRACE", ""},
		"another header":      {"POST", "content-type,x-http-method-override"},
		"a header of proxies": {"POST", "x-forwarded-host"},
		"headers out of form": {"POST", strings.Repeat("content-type,", 1000)},
	} {
		if res, _ := f.preflight(t, page, "/auth/v1/users/me", ask[0], ask[1], nil); res.StatusCode != http.StatusNoContent || len(crossing(res.Header)) != 0 {
			t.Errorf("%s: HTTP %d %v", name, res.StatusCode, crossing(res.Header))
		}
	}
}

// Where no page may call, and at endpoints that no page may call, OPTIONS is a
// verb like any other that nobody serves.
func TestClosedToPages(t *testing.T) {
	closed, open := opened(t), opened(t, page)
	for path, f := range map[string]*fixture{
		"/auth/v1/users/me":    closed,
		"/oauth/v2/token":      closed,
		"/oauth/v2/authorize":  open,
		"/oauth/v2/token/":     open,
		"/oauth/v2/authorize/": open,
		"/oidc/v1/end_session": open,
	} {
		res, line := f.preflight(t, page, path, "POST", "", nil)
		called, _ := f.rest(t, "GET", path, "", func(r *http.Request) { r.Header.Set("Origin", page) })
		if res.StatusCode < 400 || strings.Contains(line, "preflight") || len(crossing(res.Header)) != 0 || len(crossing(called.Header)) != 0 || slices.Contains(called.Header.Values("Vary"), "Origin") {
			t.Errorf("%s: HTTP %d %v, then %v %q", path, res.StatusCode, crossing(res.Header), called.Header, line)
		}
	}
}

// Pages may send every verb of the contract.
func TestPagesMaySendTheVerbsOfTheContract(t *testing.T) {
	f := opened(t, page)
	verbs := map[string]bool{"HEAD": true}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				rule, _ := proto.GetExtension(methods.Get(j).Options(), annotations.E_Http).(*annotations.HttpRule)
				for _, r := range append(rule.GetAdditionalBindings(), rule) {
					r.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
						if field.ContainingOneof() != nil {
							verbs[strings.ToUpper(string(field.Name()))] = true
						}
						return true
					})
				}
			}
		}
		return true
	})
	for verb := range verbs {
		res, _ := f.preflight(t, page, "/auth/v1/users/me", verb, "", nil)
		if crossing(res.Header)["Access-Control-Allow-Methods"] != verb {
			t.Errorf("%s: %v", verb, res.Header)
		}
	}
	if len(verbs) < 5 {
		t.Errorf("the contract has only %v", verbs)
	}
}

// The headers that clients in browsers send, as a browser asks for them.
func TestPagesMaySendTheHeadersOfClients(t *testing.T) {
	f := opened(t, page)
	for client, headers := range map[string]string{
		"connect-web":  "authorization,connect-protocol-version,connect-timeout-ms,content-type,x-bastide-page-token,x-bastide-position,x-zitadel-orgid",
		"grpc-web":     "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent,x-zitadel-orgid",
		"oauth4webapi": "accept,authorization,content-type",
		"compressed":   "content-encoding,content-type,grpc-accept-encoding,grpc-encoding",
	} {
		if res, _ := f.preflight(t, page, "/zitadel.auth.v1.AuthService/GetMyUser", "POST", headers, nil); crossing(res.Header)["Access-Control-Allow-Headers"] != headers {
			t.Errorf("%s: %v", client, res.Header)
		}
	}
}

// A page is shown answers and failures alike, whatever the protocol and wherever
// the call failed.
func TestPagesReadEveryAnswer(t *testing.T) {
	f := opened(t, page)
	call := func(change func(*request)) func(speaker) request {
		return func(speaker) request {
			r := getMyUser()
			r.header = http.Header{}
			change(&r)
			return r
		}
	}
	for _, test := range []struct {
		name string
		call func(speaker) request
		code connect.Code
	}{
		{"answer", call(func(*request) {}), 0},
		{"no token", call(func(r *request) { r.token = "" }), connect.CodeUnauthenticated},
		{"no permission", func(speaker) request { r := addMachine(); r.token = nobodyToken; return r }, connect.CodePermissionDenied},
		{"no host", call(func(r *request) { r.host = "nowhere.test" }), connect.CodeNotFound},
		{"no method", func(s speaker) request {
			r := getMyUser()
			r.procedure, r.path = "/zitadel.auth.v1.AuthService/Nothing", "/auth/v1/nothing"
			return r
		}, connect.CodeUnimplemented},
		{"unreadable", spoil(func(_ speaker, r *request) { r.json, r.proto = `{"userName":`, []byte{0x0a, 0xff} }), connect.CodeInvalidArgument},
		{"too long", spoil(func(_ speaker, r *request) {
			r.message = nil
			r.json, r.proto = `"`+strings.Repeat("x", bodyLimit)+`"`, make([]byte, bodyLimit+1)
		}), connect.CodeResourceExhausted},
		{"unknown compression", spoil(func(s speaker, r *request) { r.header = http.Header{s.encodingHeader(): {"br"}} }), connect.CodeUnimplemented},
		{"panic", call(func(*request) {}), connect.CodeInternal},
	} {
		f.behaves(nil)
		if test.name == "panic" {
			f.behaves(func(context.Context) (*authv1.GetMyUserResponse, error) { panic("handler") })
		}
		for _, s := range speakers {
			r := test.call(s)
			if r.header == nil {
				r.header = http.Header{}
			}
			want := test.code
			if s.rest && test.name == "no method" {
				want = connect.CodeNotFound
			}
			r.header.Set("Origin", page)
			got := s.send(t, f, r)
			if got.code != want {
				t.Errorf("%s over %s: %v %s", test.name, s.name, got.code, got.message)
			}
			checkOpen(t, test.name+" over "+s.name, got.header, page)
			if want == connect.CodeUnauthenticated && !s.enveloped && got.header.Get("Www-Authenticate") == "" {
				t.Errorf("%s over %s: %v", test.name, s.name, got.header)
			}

			r.header.Set("Origin", "https://evil.example")
			stranger := s.send(t, f, r)
			if stranger.code != want || len(crossing(stranger.header)) != 0 || !slices.Contains(stranger.header.Values("Vary"), "Origin") {
				t.Errorf("%s over %s from a stranger: %v %v", test.name, s.name, stranger.code, stranger.header)
			}
		}
	}
}

// The same of what is no call to a method.
func TestPagesReadPublicAnswers(t *testing.T) {
	f := opened(t, page)
	f.config.CrossOriginPaths = append(slices.Clone(publicPaths), "/oauth/panic")
	w, err := wire.New(f.config)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := w.Handler(nil, http.HandlerFunc(f.servePublic))
	if err != nil {
		t.Fatal(err)
	}
	f.addr = strings.TrimPrefix(serverOf(t, handler), "http://")
	for path, status := range map[string]int{"/oauth/v2/token": http.StatusTeapot, "/oauth/panic": 500, "/debug/healthz": 200, "/debug/ready": 200, "/grpc.health.v1.Health/Check": http.StatusUnsupportedMediaType, "/nowhere": 404} {
		res, body := f.rest(t, "POST", path, "", func(r *http.Request) {
			r.Header.Set("Origin", page)
			if strings.HasPrefix(path, "/debug") {
				r.Method = "GET"
			}
		})
		if res.StatusCode != status {
			t.Errorf("%s: HTTP %d %s", path, res.StatusCode, body)
		}
		checkOpen(t, path, res.Header, page)
	}
	res, _ := f.rest(t, "POST", "/oauth/v2/token", "", func(r *http.Request) { r.Host = "nowhere.test"; r.Header.Set("Origin", page) })
	if res.StatusCode != 404 {
		t.Errorf("HTTP %d", res.StatusCode)
	}
	checkOpen(t, "unknown host", res.Header, page)
}
