package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// The token goes nowhere else.
func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		there := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		defer there.Close()
		c, err := client.New(t.Context(), there.URL, client.WithToken("t"))
		if err != nil {
			t.Fatal(err)
		}
		if err := read(t, c); !errors.Is(err, client.Unknown) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// An answer has its bound, and what is larger is not repeated.
func TestLargeAnswer(t *testing.T) {
	asked := 0
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		for range 65 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}))
	defer there.Close()
	c, err := client.New(t.Context(), there.URL, client.WithToken("t"))
	if err != nil {
		t.Fatal(err)
	}
	if err := read(t, c); !errors.Is(err, client.ResourceExhausted) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// Proxies of the environment are for other machines. A process reads them once,
// so this is one of its own.
func TestProxy(t *testing.T) {
	const proxy = "http://proxy.example.com:3128"
	if os.Getenv("HTTPS_PROXY") != proxy {
		again := exec.Command(os.Args[0], "-test.run=^TestProxy$")
		again.Env = append(os.Environ(), "HTTPS_PROXY="+proxy, "HTTP_PROXY="+proxy, "NO_PROXY=")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	for _, test := range []struct {
		url  string
		grpc bool
		want string
	}{
		{"https://id.example.com", false, proxy},
		{"https://id.example.com", true, proxy},
		{"http://bastide:8080", false, proxy},
		{"http://bastide:8080", true, ""}, // they do not speak HTTP/2 without TLS
		{"https://acme.localhost", false, ""},
		{"http://acme.localhost:8080", false, ""},
		{"http://127.0.0.1:8080", false, ""},
	} {
		options := []client.Option{client.WithToken("t"), client.WithCleartext()}
		if test.grpc {
			options = append(options, client.WithGRPC())
		}
		c, err := client.New(t.Context(), test.url, options...)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		used, err := c.HTTPClient().(*http.Client).Transport.(*http.Transport).Proxy(request)
		got := ""
		if used != nil {
			got = used.String()
		}
		if err != nil || got != test.want {
			t.Errorf("%s goes by %q, not %q: %v", test.url, got, test.want, err)
		}
	}
}

// A call whose time is up says so, and is not repeated.
func TestTimeout(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		ctx, cancel := context.WithTimeout(t.Context(), -1)
		defer cancel()
		c := f.client(t, protocol, client.WithToken("t"))
		if _, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{}); !errors.Is(err, client.DeadlineExceeded) {
			t.Error(err)
		}
	})
	f := newFake(t)
	if err := read(t, f.client(t, client.WithToken("t"), client.WithTimeout(1))); !errors.Is(err, client.DeadlineExceeded) {
		t.Error(err)
	}
}
