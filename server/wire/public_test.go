package wire_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

var publicPaths = []string{"/oauth/v2/token", "/oidc/v1/userinfo", "/.well-known/openid-configuration"}

func TestPublicHandler(t *testing.T) {
	f := start(t, nil)
	for _, path := range publicPaths {
		for host, origin := range map[string]string{ownHost: "http://own.test", defaultHost: externalURL} {
			res, _ := f.rest(t, "GET", path, "", func(r *http.Request) { r.Host = host })
			if res.StatusCode != http.StatusTeapot || f.services.publicOrigin != origin {
				t.Errorf("%s%s: HTTP %d %q", host, path, res.StatusCode, f.services.publicOrigin)
			}
		}
	}
	bare, err := mustWire(t, f).Handler(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range publicPaths {
		rec := serve(bare, path)
		if rec.Code != 404 || !strings.Contains(rec.Body.String(), "request.path_unknown") {
			t.Errorf("%s without a public handler: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// TestPublicErrors fails before the public handler, or within it: what its
// clients read is the error of RFC 6749, 5.2.
func TestPublicErrors(t *testing.T) {
	f := start(t, func(c *wire.Config) {
		c.TrustedProxies = []netip.Prefix{loopback}
		lookUp := c.Resolve
		c.Resolve = func(ctx context.Context, host string) (string, bool, error) {
			switch host {
			case "away.test":
				return "", false, fault.DatabaseDown.With().Because(errDatabase)
			case "slow.test":
				return "", false, context.DeadlineExceeded
			case "gone.test":
				return "", false, context.Canceled
			}
			return lookUp(ctx, host)
		}
	})
	for _, test := range []struct {
		host, path, more string
		status           int
		code, says, log  string
	}{
		{"nowhere.test", "", "", 404, "invalid_request", "nowhere.test", "code=not_found"},
		{"\xff\\.test", "", "", 404, "invalid_request", "no instance", "code=not_found"},
		{ownHost, "", "a, b", 400, "invalid_request", "x-forwarded-host", "code=invalid_argument"},
		{"away.test", "", "", 503, "temporarily_unavailable", "database", "secret cause"},
		{"slow.test", "", "", 504, "temporarily_unavailable", "longer", "code=deadline_exceeded"},
		{"gone.test", "", "", 499, "temporarily_unavailable", "canceled", "code=canceled"},
		{"down.test", "", "", 500, "server_error", "internal error", "secret cause"},
		{ownHost, "/oauth/panic", "", 500, "server_error", "internal error", "public handler"},
	} {
		paths := publicPaths
		if test.path != "" {
			paths = []string{test.path}
		}
		for _, path := range paths {
			res, body := f.rest(t, "GET", path, "", func(r *http.Request) {
				r.Header.Set("X-Zitadel-Instance-Host", test.host)
				r.Header.Set("X-Forwarded-Host", test.more)
			})
			var e map[string]string
			if err := json.Unmarshal([]byte(body), &e); err != nil || len(e) != 2 || e["error"] != test.code || res.StatusCode != test.status {
				t.Errorf("%s%s: HTTP %d %s", test.host, path, res.StatusCode, body)
			}
			says := e["error_description"]
			if !strings.Contains(says, test.says) || strings.Contains(says, "secret") || strings.ContainsFunc(says, notInDescription) {
				t.Errorf("%s%s: %q", test.host, path, says)
			}
			if h := res.Header; h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
				t.Errorf("%s%s: %v", test.host, path, h)
			}
			if lines := f.logs.take(); len(lines) != 1 || !strings.Contains(lines[0], test.log) {
				t.Errorf("%s%s: %q", test.host, path, lines)
			}
		}
	}
}

// notInDescription reports whether a description must not have the character
// (RFC 6749, 5.2).
func notInDescription(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }
