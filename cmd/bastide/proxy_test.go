package main

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

// proxied returns a proxy in front of a server that speaks HTTP/1.1 and no more.
func proxied(t *testing.T, serverURL string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // it is offered HTTP/2, and says so
	t.Cleanup(proxy.Close)
	return proxy
}

// broken fails every request as HTTP/2 does when what answers does not speak it:
// as if the request had been given up.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, context.Canceled }

func TestReflectionThatBreaksIsNoInterruption(t *testing.T) {
	to := &remote{asking: &http.Client{Transport: broken{}}, located: located{url: "http://localhost:1"}}
	if method, err := to.method(t.Context(), "AuthService/GetMyUser"); err != nil || method.FullName() != "zitadel.auth.v1.AuthService.GetMyUser" {
		t.Errorf("%v, %v", method, err)
	}
	_, err := to.method(t.Context(), "AuthServic/GetMyUser")
	if err = to.explain(err); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "this program has no service") {
		t.Errorf("%v", err)
	}
}

// Reflection is gRPC, which such a proxy does not let through.
func TestCallThroughAProxyOfHTTP1(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		plain, secure := proxied(t, s.URL), proxied(t, s.URL)
		plain.Start()
		secure.StartTLS()
		trust := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
		for name, flags := range map[string][]string{"http": {"--url", plain.URL}, "https": {"--url", secure.URL, "--cacert", trust}} {
			call := func(args ...string) outcome {
				args = append(append([]string{"call"}, args...), flags...)
				return bastide(t, nil, append(args, "--token-file", filepath.Join(s.DataDir, "owner.pat"))...)
			}
			for _, protocol := range []string{"connect", "grpc-web"} {
				if user := userName(t, call("AuthService/GetMyUser", "--protocol", protocol)); user != "owner" {
					t.Errorf("%s: %s: the user is %v", name, protocol, user)
				}
			}
			if got := call("management.v1.ManagementService/ListUsers", "--all"); got.code != exitOK || strings.Count(got.stdout, "\n") != 1 {
				t.Errorf("%s: %+v", name, got)
			}
			for method, want := range map[string]string{
				"AuthService/GetMyUsr":  `no method "GetMyUsr": it has GetMyUser,`,
				"AuthServic/GetMyUser":  `this program has no service "AuthServic": it has auth.v1.AuthService,`,
				"auth.v1.AuthService":   "it has GetMyEmail, ",
				"grpc.health.v1.Health": "this program has no service",
			} {
				if got := call(method); got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, want) {
					t.Errorf("%s: want %q: %+v", name, want, got)
				}
			}
			if got := call("AuthService/GetMyUser", "--protocol", "grpc"); got.code != exitFailed || got.stdout != "" {
				t.Errorf("%s: gRPC through HTTP/1.1: %+v", name, got)
			}
		}
	})
}
