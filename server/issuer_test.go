package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
)

// The issuer, and every address beside it, is what the caller addressed, and
// nothing that a stranger says was addressed (CVE-2025-64101,
// GHSA-93m4-mfpg-c3xf).
func TestForgedHeadersAndTheIssuer(t *testing.T) {
	forged := map[string]string{
		"Forwarded":               `for=10.0.0.1;host=evil.test;proto=https`,
		"X-Forwarded-Host":        "evil.test",
		"X-Forwarded-Proto":       "https",
		"X-Forwarded-Port":        "1",
		"X-Forwarded-Server":      "evil.test",
		"X-Forwarded-Prefix":      "/evil",
		"X-Original-Host":         "evil.test",
		"X-Zitadel-Instance-Host": "evil.test",
		"X-Zitadel-Public-Host":   "evil.test",
		"Origin":                  "https://evil.test",
		"Referer":                 "https://evil.test/",
	}
	elsewhere := func(c *server.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		own := s.NewInstance(t, "own").Domain
		for host, issuer := range map[string]string{
			own:           "http://" + own,
			own + ":80":   "http://" + own,
			own + ":8443": "http://" + own + ":8443",
			"OWN.test":    "http://" + own,
			"evil.test":   "", // no instance's
		} {
			for _, path := range []string{oauth.DiscoveryPath, oauth.MetadataPath} {
				status, plain := metadata(t, s, host, path, nil)
				_, told := metadata(t, s, host, path, forged)
				if issuer == "" {
					if status == http.StatusOK && plain["issuer"] != s.URL {
						t.Errorf("%s on %s: HTTP %d %v", path, host, status, plain)
					}
					continue
				}
				if status != http.StatusOK || plain["issuer"] != issuer || told["issuer"] != issuer {
					t.Errorf("%s on %s: HTTP %d, the issuer is %v, with forged headers %v", path, host, status, plain["issuer"], told["issuer"])
				}
				for name, value := range told {
					address, _ := value.(string)
					if strings.Contains(address, "evil") || (strings.HasSuffix(name, "_endpoint") || name == "jwks_uri") && !strings.HasPrefix(address, issuer+"/") {
						t.Errorf("%s is %q", name, address)
					}
				}
			}
		}
	}, elsewhere)
}

// metadata returns the document of an issuer on a host.
func metadata(t *testing.T, s *servertest.Server, host, path string, header map[string]string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := s.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var told map[string]any
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatalf("%s on %s: %q", path, host, text)
	}
	return answer.StatusCode, told
}
