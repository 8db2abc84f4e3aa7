package server_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
)

const devServer = "http://localhost:5173"

// asked sends a preflight, or a call, of a page, and returns the origin that may
// read the answer, and its status.
func asked(t *testing.T, s *servertest.Server, verb, path, origin string) (string, int) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), verb, "http://127.0.0.1:"+port+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	if verb == http.MethodOptions {
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	} else {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.OwnerToken)
	}
	answer, err := s.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s %s allows credentials", verb, path)
	}
	return answer.Header.Get("Access-Control-Allow-Origin"), answer.StatusCode
}

// Without a setting the pages of this machine may call a server that only this
// machine can reach, and nobody's any other.
func TestPagesOfThisMachine(t *testing.T) {
	for name, test := range map[string]struct {
		listen  string
		origins []string
		allowed map[string]bool
	}{
		"on loopback":         {"127.0.0.1:0", nil, map[string]bool{devServer: true, "https://app.example.com": false}},
		"by name":             {"localhost:0", nil, map[string]bool{devServer: true, "https://app.example.com": false}},
		"on every address":    {"0.0.0.0:0", nil, map[string]bool{devServer: false}},
		"on every address, 6": {":0", nil, map[string]bool{devServer: false}},
		"closed":              {"127.0.0.1:0", []string{"none"}, map[string]bool{devServer: false}},
		"another":             {"127.0.0.1:0", []string{"https://app.example.com"}, map[string]bool{devServer: false, "https://app.example.com": true}},
		"both":                {"0.0.0.0:0", []string{"localhost", "https://app.example.com"}, map[string]bool{devServer: true, "https://app.example.com": true}},
	} {
		t.Run(name, func(t *testing.T) {
			servertest.Each(t, func(t *testing.T, s *servertest.Server) {
				const path = "/zitadel.auth.v1.AuthService/GetMyUser"
				for origin, allowed := range test.allowed {
					want := ""
					if allowed {
						want = origin
					}
					if got, status := asked(t, s, http.MethodOptions, path, origin); got != want || allowed && status != http.StatusNoContent {
						t.Errorf("the preflight of %s: %q, HTTP %d", origin, got, status)
					}
					if got, status := asked(t, s, http.MethodPost, path, origin); got != want || status != http.StatusOK {
						t.Errorf("the call of %s: %q, HTTP %d", origin, got, status)
					}
				}
			}, func(c *server.Config) { c.Listen, c.CORSOrigins = test.listen, test.origins })
		})
	}
}

// Pages may call the endpoints of OAuth that are for programs, all of which
// exist, and no other.
func TestPagesAndOAuth(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, path := range oauth.CrossOriginPaths {
			preflight, _ := asked(t, s, http.MethodOptions, path, devServer)
			got, status := asked(t, s, http.MethodGet, path, devServer)
			if preflight != devServer || got != devServer || status == http.StatusNotFound {
				t.Errorf("%s: %q, then %q, HTTP %d", path, preflight, got, status)
			}
		}
		_, told := metadata(t, s, "localhost", oauth.DiscoveryPath, nil)
		for name, address := range told {
			address, _ := address.(string)
			_, path, isAddress := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
			if isAddress && slices.Contains(oauth.CrossOriginPaths, "/"+path) == (name == "authorization_endpoint" || name == "end_session_endpoint") {
				t.Errorf("%s, %s, is on the wrong side", name, address)
			}
		}
		for _, path := range []string{"/oauth/v2/authorize", "/oidc/v1/end_session", "/.well-known/else"} {
			preflight, _ := asked(t, s, http.MethodOptions, path, devServer)
			if got, _ := asked(t, s, http.MethodGet, path, devServer); preflight != "" || got != "" {
				t.Errorf("%s: %q, then %q", path, preflight, got)
			}
		}
	})
}
