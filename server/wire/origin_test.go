package wire_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/wire"
)

func TestWhichOriginsMayCall(t *testing.T) {
	const local = wire.LocalOrigins
	for _, test := range []struct {
		configured string
		allowed    []string
		refused    []string
	}{
		{local, []string{
			"http://localhost", "https://localhost", "http://localhost:3000", "https://localhost:65535", "http://localhost:80",
			"http://127.0.0.1:5173", "https://127.0.0.1", "http://[::1]:5173", "https://[::1]", "http://[0:0:0:0:0:0:0:1]:1",
			"http://acme.localhost:3000", "http://a.b.localhost", "HTTP://LOCALHOST:3000",
		}, []string{
			"null", "", "*", "localhost", "localhost:3000", "//localhost", "ftp://localhost", "file://", "chrome-extension://localhost",
			"http://localhost.evil.example", "http://evil.example#localhost", "http://evil.example/localhost", "http://evil.example?localhost",
			"http://localhost/", "http://localhost#", "http://localhost?", "http://localhost@evil.example", "http://evil.example@localhost",
			"http://evillocalhost", "http://localhost.", "http://acme.localhost.", "http://.localhost", "http://a..localhost",
			"http://localhost:", "http://localhost:0", "http://localhost:65536", "http://localhost:+80", "http://localhost:3000:3000", "http://localhost:x",
			"http://127.0.0.1.evil.example", "http://127.0.0.2", "http://0.0.0.0", "http://127.0.0.1.", "http://[::1", "http://::1", "http://[::1]evil.example",
			"http://[::2]", "http://[::1%25lo]:80", "http://[127.0.0.1]", "http://[localhost]", "http://localhost,http://evil.example", "http://localhost http://evil.example",
			"http://localhost\\.evil.example", "http://local\u017Fhost", "http://evil.example\xff",
		}},
		{"https://App.Example.com:443,http://[::1]:80,http://B\u00fccher.example:8080", []string{
			page, page + ":443", "https://APP.example.com", "http://[::1]", "http://xn--bcher-kva.example:8080",
		}, []string{
			"http://app.example.com", "http://app.example.com:443", page + ":8443", page + ".", "https://x.app.example.com", "https://example.com",
			"https://[::1]", "http://xn--bcher-kva.example", "http://localhost", "null",
		}},
		{"https://*.example.com:8443", []string{"https://a.example.com:8443", "https://a.b.example.com:8443"}, []string{
			"https://example.com:8443", "https://a.example.com", "http://a.example.com:8443", "https://aexample.com:8443", "https://.example.com:8443",
			"https://a.example.com.evil.example:8443", "https://evil.example/.example.com:8443", "https://*.example.com:8443",
		}},
		{"localhost," + page, []string{page, "http://localhost:1"}, []string{"http://evil.example"}},
		{"none", nil, []string{page, "http://localhost", "null"}},
	} {
		f := opened(t, strings.Split(test.configured, ",")...)
		for _, origin := range slices.Concat(test.allowed, test.refused) {
			allowed := slices.Contains(test.allowed, origin)
			asked, _ := f.preflight(t, origin, "/auth/v1/users/me", "GET", "authorization", nil)
			called, _ := f.rest(t, "GET", "/auth/v1/users/me", "", func(r *http.Request) { r.Header.Set("Origin", origin) })
			if called.StatusCode != http.StatusOK {
				t.Errorf("%s from %q: HTTP %d", test.configured, origin, called.StatusCode)
			}
			for what, res := range map[string]*http.Response{"preflight": asked, "call": called} {
				said := crossing(res.Header)
				if allowed && said["Access-Control-Allow-Origin"] != origin || !allowed && len(said) != 0 {
					t.Errorf("%s from %q to a server of %s: %v", what, origin, test.configured, said)
				}
			}
		}
	}
	f := opened(t, wire.EveryOrigin)
	for _, origin := range []string{page, "null", "http://localhost.evil.example"} {
		asked, _ := f.preflight(t, origin, "/auth/v1/users/me", "GET", "authorization", nil)
		called, _ := f.rest(t, "GET", "/auth/v1/users/me", "", func(r *http.Request) { r.Header.Set("Origin", origin) })
		if said := crossing(asked.Header); said["Access-Control-Allow-Origin"] != "*" || said["Access-Control-Allow-Credentials"] != "" {
			t.Errorf("%s: %v", origin, said)
		}
		checkOpen(t, origin, called.Header, "*")
	}
	twice, _ := opened(t, page).rest(t, "GET", "/auth/v1/users/me", "", func(r *http.Request) { r.Header["Origin"] = []string{page, "https://evil.example"} })
	if said := crossing(twice.Header); len(said) != 0 {
		t.Errorf("two origins at once: %v", said)
	}
}

func TestOriginsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "app.example.com", "app.example.com:443", "//app.example.com", "null", "Localhost", "ftp://app.example.com", "https://",
		page + "/", page + "/path", page + "?a", page + "#a", page + ":", page + ":0", page + ":65536", page + ":https",
		"https://user@app.example.com", page + ".", "https://.example.com", "https://a..example.com", "https://a b.example.com",
		"https://*", "https://*.", "https://a*.example.com", "https://*a.example.com", "https://a.*.example.com", "https://*.*.example.com",
		"*://app.example.com", "https://*.127.0.0.1", "https://*.[::1]", "https://[::1", "https://::1", "https://[127.0.0.1]", page + ":*",
	} {
		_, err := wire.ParseOrigins([]string{page, text})
		if err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, texts := range [][]string{{"none", page}, {page, "*"}, {"none", "*"}, {"a", "b"}} {
		if _, err := wire.ParseOrigins(texts); err == nil {
			t.Errorf("%q: no error", texts)
		}
	}
	if _, err := wire.ParseOrigins([]string{"a", "b"}); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not every mistake is named: %v", err)
	}
}
