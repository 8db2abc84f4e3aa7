package wire_test

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/wire"
)

// addressed calls GetMyUser and returns the HTTP status and the origin that the
// method saw.
func (f *fixture) addressed(t *testing.T, host string, header http.Header) (int, string, string) {
	t.Helper()
	res, body := f.rest(t, "GET", "/auth/v1/users/me", "", func(r *http.Request) {
		r.Host = host
		for name, values := range header {
			r.Header[name] = values
		}
	})
	return res.StatusCode, f.services.instance.Origin, body
}

func TestHosts(t *testing.T) {
	f := start(t, nil)
	for _, test := range []struct {
		host   string
		status int
		origin string
	}{
		{"own.test", 200, "http://own.test"},
		{"OWN.test", 200, "http://own.test"},
		{"own.test.", 200, "http://own.test"},
		{"own.test:80", 200, "http://own.test"},
		{"own.test:443", 200, "http://own.test:443"},
		{"own.test:8080", 200, "http://own.test:8080"},
		{"bücher.test:8080", 200, "http://xn--bcher-kva.test:8080"},
		{"xn--bcher-kva.test", 200, "http://xn--bcher-kva.test"},
		{"[::1]:8080", 200, "http://[::1]:8080"},
		{"[0:0:0:0:0:0:0:1]", 200, "http://[::1]"},
		{"127.0.0.1:9", 200, "http://127.0.0.1:9"},
		{"default.test:8080", 200, externalURL},
		{"nowhere.test", 404, ""},
		{"own.test.nowhere.test", 404, ""},
		{strings.Repeat("a", 300), 404, ""},
		{"a/b", 404, ""},
	} {
		f.services.instance.Origin = ""
		status, origin, body := f.addressed(t, test.host, nil)
		if status != test.status || origin != test.origin {
			t.Errorf("%s: HTTP %d %q %s", test.host, status, origin, body)
		}
	}
}

func TestForwardedHeaders(t *testing.T) {
	trusting := start(t, func(c *wire.Config) { c.TrustedProxies = []netip.Prefix{loopback} })
	for _, test := range []struct {
		header http.Header
		status int
		origin string
	}{
		{nil, 404, ""},
		{http.Header{"X-Forwarded-Host": {"own.test"}}, 200, "http://own.test"},
		{http.Header{"X-Zitadel-Instance-Host": {"own.test:81"}}, 200, "http://own.test:81"},
		{http.Header{"X-Zitadel-Instance-Host": {"own.test"}, "X-Forwarded-Host": {"default.test"}}, 200, "http://own.test"},
		{http.Header{"X-Zitadel-Instance-Host": {""}, "X-Forwarded-Host": {"own.test"}}, 200, "http://own.test"},
		{http.Header{"X-Forwarded-Host": {"own.test:443"}, "X-Forwarded-Proto": {"HTTPS"}}, 200, "https://own.test"},
		{http.Header{"X-Forwarded-Host": {"own.test", "own.test"}}, 400, ""},
		{http.Header{"X-Forwarded-Host": {"own.test, own.test"}}, 400, ""},
		{http.Header{"X-Zitadel-Instance-Host": {"own.test", "own.test"}}, 400, ""},
		{http.Header{"X-Forwarded-Host": {"own.test"}, "X-Forwarded-Proto": {"http", "https"}}, 400, ""},
	} {
		trusting.services.instance.Origin = ""
		status, origin, body := trusting.addressed(t, "proxy.test", test.header)
		if status != test.status || origin != test.origin {
			t.Errorf("%v: HTTP %d %q %s", test.header, status, origin, body)
		}
	}
	elsewhere := netip.MustParsePrefix("10.0.0.0/8")
	for name, proxies := range map[string][]netip.Prefix{"none": nil, "another": {elsewhere}} {
		wary := start(t, func(c *wire.Config) { c.TrustedProxies = proxies })
		forged := http.Header{
			"X-Forwarded-Host": {"own.test", "default.test"}, "X-Zitadel-Instance-Host": {"own.test"}, "X-Forwarded-Proto": {"https"},
		}
		if status, _, body := wary.addressed(t, "proxy.test", forged); status != 404 {
			t.Errorf("%s: a forged host led to HTTP %d %s", name, status, body)
		}
		if status, origin, body := wary.addressed(t, ownHost, forged); status != 200 || origin != "http://own.test" {
			t.Errorf("%s: HTTP %d %q %s", name, status, origin, body)
		}
	}
}

func TestSecureOrigin(t *testing.T) {
	f := start(t, func(c *wire.Config) { c.Secure = true })
	for host, origin := range map[string]string{"own.test:443": "https://own.test", "own.test:80": "https://own.test:80"} {
		if status, got, body := f.addressed(t, host, nil); status != 200 || got != origin {
			t.Errorf("%s: HTTP %d %q %s", host, status, got, body)
		}
	}
}

// TestAudiences addresses the server by ports: what a caller types counts only
// where the server can be.
func TestAudiences(t *testing.T) {
	f := start(t, nil)
	_, port, err := net.SplitHostPort(f.addr)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string][]string{
		"own.test:" + port:       {externalURL, "http://own.test:" + port},
		"own.test:443":           {externalURL, "http://own.test:443"}, // the external URL's
		"[::1]:" + port:          {externalURL, "http://[::1]:" + port},
		"own.test":               {externalURL},
		"own.test:1":             {externalURL},
		"own.test:0" + port:      {externalURL, "http://own.test:" + port},
		"[::1]:1":                {externalURL},
		"[::1]":                  {externalURL},
		defaultHost:              {externalURL},
		defaultHost + ":" + port: {externalURL},
	} {
		if status, _, body := f.addressed(t, host, nil); status != 200 || !slices.Equal(f.services.audiences, want) {
			t.Errorf("%s: HTTP %d %s, audiences %q", host, status, body, f.services.audiences)
		}
	}
	secure := start(t, func(c *wire.Config) { c.Secure = true })
	if status, _, body := secure.addressed(t, ownHost, nil); status != 200 || !slices.Equal(secure.services.audiences, []string{externalURL, "https://own.test"}) {
		t.Errorf("HTTP %d %s, audiences %q", status, body, secure.services.audiences)
	}
}

// TestSystemOnAnyHost calls a method of the installation on a host that no
// instance owns.
func TestSystemOnAnyHost(t *testing.T) {
	f := start(t, nil)
	get := func(host, id, token string) (int, string) {
		res, body := f.rest(t, "GET", "/system/v1/instances/"+id, "", func(r *http.Request) {
			r.Host = host
			r.Header.Set("Authorization", "Bearer "+token)
		})
		return res.StatusCode, body
	}
	for _, test := range []struct {
		host, id, token string
		status          int
	}{
		{"nowhere.test", "i1", systemToken, 200},
		{ownHost, "i1", systemToken, 200},
		{"nowhere.test", "i2", systemToken, 404},
		{"nowhere.test", "i%00", systemToken, 400},
		{"nowhere.test", "i1", ownerToken, 401},
		{ownHost, "i1", ownerToken, 401},
		{ownHost, "i2", "nonsense", 401},
	} {
		status, body := get(test.host, test.id, test.token)
		if status != test.status {
			t.Errorf("%+v: HTTP %d %s", test, status, body)
		}
		if status == 200 && f.services.instance.ID != "i1" {
			t.Errorf("%+v: acts in %q", test, f.services.instance.ID)
		}
	}
}
