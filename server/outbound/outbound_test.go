package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// The client that a server has by default does not reach the host that it runs
// on, however the host is named.
func TestClientReachesNoPrivateAddress(t *testing.T) {
	var asked atomic.Int32
	count := func(http.ResponseWriter, *http.Request) { asked.Add(1) }
	server := httptest.NewServer(http.HandlerFunc(count))
	defer server.Close()
	proxy := httptest.NewServer(http.HandlerFunc(count))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := New(nil, nil)
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1",
	} {
		if text, err := r.Text(t.Context(), "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port)); err == nil {
			t.Errorf("%s answered %q", host, text)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// allowAll is the default client without the check of addresses.
func allowAll() *http.Client {
	client := newClient()
	client.Transport.(*http.Transport).DialContext = nil
	return client
}

func TestText(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/text", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("a compressed answer is asked for")
		}
		_, _ = w.Write([]byte("token"))
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	mux.HandleFunc("/created", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/text", http.StatusFound) })
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 2*maxHeader)) })
	server := httptest.NewServer(mux)
	defer server.Close()
	r := New(nil, allowAll())
	for path, want := range map[string]struct {
		length int
		fails  bool
	}{
		"/text": {5, false}, "/long": {maxText, false},
		"/created": {0, true}, "/moved": {0, true}, "/header": {0, true}, "/missing": {0, true},
	} {
		text, err := r.Text(t.Context(), server.URL+path)
		if (err != nil) != want.fails || len(text) != want.length {
			t.Errorf("%s: %d bytes, %v", path, len(text), err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Text(gone, server.URL+"/text"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
}

type names map[string][]string

func (n names) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return nil, errors.New("the question has no end")
	}
	return n[name], nil
}

func TestTXT(t *testing.T) {
	texts, err := New(names{"a.example.": {"one", "two"}}, nil).TXT(t.Context(), "a.example")
	if err != nil || len(texts) != 2 || texts[1] != "two" {
		t.Errorf("got %q, %v", texts, err)
	}
}

// What is not said in the URL is not looked up elsewhere.
func TestClientHasNoProxy(t *testing.T) {
	transport := newClient().Transport.(*http.Transport)
	if transport.Proxy != nil {
		if u, _ := transport.Proxy(&http.Request{URL: &url.URL{Scheme: "http", Host: "example.com"}}); u != nil {
			t.Errorf("there is the proxy %s", u)
		}
	}
}
