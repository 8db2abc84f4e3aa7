//go:build unix

package reference_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/gen/openapi"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// ask sends a request with headers, in pairs, and returns the answer with its
// body as it came.
func ask(t testing.TB, s *servertest.Server, verb, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity") // else the client unpacks by itself
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Host = request.Header.Get("Host")
	response, err := s.HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestServed(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for path, contentType := range map[string]string{
			"/openapi.json":                          "application/json",
			"/docs":                                  "text/html; charset=utf-8",
			"/docs/page.js":                          "text/javascript; charset=utf-8",
			"/docs/page.css":                         "text/css; charset=utf-8",
			"/docs/favicon.png":                      "image/png",
			"/docs/swagger-ui-bundle.js":             "text/javascript; charset=utf-8",
			"/docs/swagger-ui.css":                   "text/css; charset=utf-8",
			"/docs/swagger-ui.LICENSE.txt":           "text/plain; charset=utf-8",
			"/docs/swagger-ui.NOTICE.txt":            "text/plain; charset=utf-8",
			"/docs/swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
		} {
			t.Run(path, func(t *testing.T) { checkServed(t, s, path, contentType) })
		}
		if _, body := ask(t, s, "GET", "/openapi.json"); body != openapi.Document {
			t.Error("the document is another one")
		}
		if response, _ := ask(t, s, "GET", "/docs", "Host", "nobody.example"); response.StatusCode != http.StatusOK {
			t.Errorf("on a host of nobody: %s", response.Status)
		}
	})
}

// checkServed asks for a file in each way.
func checkServed(t *testing.T, s *servertest.Server, path, contentType string) {
	plain, text := ask(t, s, "GET", path)
	h := plain.Header
	if plain.StatusCode != http.StatusOK || h.Get("Content-Type") != contentType || h.Get("Content-Encoding") != "" || text == "" {
		t.Fatalf("%s, %v, %d bytes", plain.Status, h, len(text))
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy: %q", policy)
	}
	tags := map[string]bool{}
	for _, encoding := range []string{"identity", "gzip", "br, GZIP;q=0.5", "gzip;q=0", "*"} {
		response, body := ask(t, s, "GET", path, "Accept-Encoding", encoding)
		tag := response.Header.Get("ETag")
		tags[tag] = true
		if response.Header.Get("Content-Encoding") == "gzip" {
			if encoding == "identity" || encoding == "gzip;q=0" || !slices.Contains(response.Header.Values("Vary"), "Accept-Encoding") {
				t.Errorf("gzip for %q, Vary %q", encoding, response.Header.Values("Vary"))
			}
			body = unpacked(t, body)
		}
		if body != text {
			t.Errorf("%q has other content", encoding)
		}
		if again, body := ask(t, s, "GET", path, "Accept-Encoding", encoding, "If-None-Match", tag); tag == "" || again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%q asked for again with %q: %s, %d bytes", encoding, tag, again.Status, len(body))
		}
		if other, _ := ask(t, s, "GET", path, "Accept-Encoding", encoding, "If-None-Match", `"former"`); other.StatusCode != http.StatusOK {
			t.Errorf("%q asked for with the tag of another version: %s", encoding, other.Status)
		}
		if head, body := ask(t, s, "HEAD", path, "Accept-Encoding", encoding); head.StatusCode != http.StatusOK || head.Header.Get("ETag") != tag || body != "" {
			t.Errorf("HEAD with %q: %s %v", encoding, head.Status, head.Header)
		}
	}
	if len(text) > 100_000 && len(tags) != 2 {
		t.Errorf("a large file is to have a packed form with a tag of its own: %v", tags)
	}
}

func unpacked(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestVariesByOrigin keeps a shared cache from handing the answer for one page's
// origin to another's.
func TestVariesByOrigin(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, path := range []string{"/openapi.json", "/docs", "/docs/page.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"} {
			for _, encoding := range []string{"identity", "gzip"} {
				response, _ := ask(t, s, "GET", path, "Accept-Encoding", encoding, "Origin", "http://localhost:3000")
				if varies := response.Header.Values("Vary"); !slices.Contains(varies, "Origin") || response.Header.Get("Access-Control-Allow-Origin") != "http://localhost:3000" {
					t.Errorf("%s as %s: Vary %q, %v", path, encoding, varies, response.Header)
				}
			}
		}
	})
}

func TestRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, c := range []struct {
			verb, path, id string
			status         int
		}{
			{"POST", "/docs", "request.verb_wrong", 405},
			{"PUT", "/openapi.json", "request.verb_wrong", 405},
			{"DELETE", "/docs/page.js", "request.verb_wrong", 405},
			{"GET", "/docs/nothing.js", "request.path_unknown", 404},
			{"GET", "/docs/../docs/swagger/LICENSE", "request.path_unknown", 404},
			{"GET", "/docs/page/index.html", "request.path_unknown", 404},
		} {
			response, body := ask(t, s, c.verb, c.path)
			if response.StatusCode != c.status || !strings.Contains(body, c.id) || (response.Header.Get("Allow") == "GET, HEAD") != (c.status == 405) {
				t.Errorf("%s %s: %s, Allow %q, %s", c.verb, c.path, response.Status, response.Header.Get("Allow"), body)
			}
		}
		if response, _ := ask(t, s, "GET", "/docs/"); response.Request.URL.Path != "/docs" || response.StatusCode != http.StatusOK {
			t.Errorf("/docs/ leads to %s, %s", response.Request.URL, response.Status)
		}
	})
}

func TestTurnedOff(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, path := range []string{"/openapi.json", "/docs", "/docs/", "/docs/page.js"} {
			if response, body := ask(t, s, "GET", path); response.StatusCode != http.StatusNotFound || !strings.Contains(body, "request.path_unknown") {
				t.Errorf("%s: %s %s", path, response.Status, body)
			}
		}
	}, func(c *server.Config) { c.NoDocs = true })
}

// TestServersRelative keeps the document good for any host.
func TestServersRelative(t *testing.T) {
	var d struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal([]byte(openapi.Document), &d); err != nil || len(d.Servers) != 1 || d.Servers[0].URL != "/" {
		t.Errorf("servers: %v, %v", d.Servers, err)
	}
}
