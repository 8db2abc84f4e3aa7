package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/sdk/go/client"
)

func TestNewHTTPClient(t *testing.T) {
	var protocol, host string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol, host = r.Proto, r.Host
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	clear := httptest.NewUnstartedServer(handler)
	clear.Config.Protocols = new(http.Protocols)
	clear.Config.Protocols.SetHTTP1(true)
	clear.Config.Protocols.SetUnencryptedHTTP2(true)
	clear.Start()
	t.Cleanup(clear.Close)
	sealed := httptest.NewUnstartedServer(handler)
	sealed.EnableHTTP2 = true
	sealed.StartTLS()
	t.Cleanup(sealed.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(sealed.Certificate())
	config := &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}

	for name, test := range map[string]struct {
		client   *http.Client
		url      string
		protocol string
	}{
		"http":            {client.NewHTTPClient(false, nil), clear.URL, "HTTP/1.1"},
		"http by HTTP/2":  {client.NewHTTPClient(true, nil), clear.URL, "HTTP/2.0"},
		"https":           {client.NewHTTPClient(false, config), sealed.URL, "HTTP/2.0"},
		"https by HTTP/2": {client.NewHTTPClient(true, config), sealed.URL, "HTTP/2.0"},
		"localhost":       {client.NewHTTPClient(false, nil), strings.Replace(clear.URL, "127.0.0.1", "acme.localhost", 1), "HTTP/1.1"},
	} {
		response, err := test.client.Get(test.url)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = response.Body.Close()
		test.client.CloseIdleConnections()
		if response.StatusCode != http.StatusFound || protocol != test.protocol || !strings.HasSuffix(test.url, host) {
			t.Errorf("%s: status %d, %s of %s", name, response.StatusCode, protocol, host)
		}
	}
	if response, err := client.NewHTTPClient(false, nil).Get(sealed.URL); err == nil {
		_ = response.Body.Close()
		t.Error("a certificate is trusted that nobody knows")
	}
}

// What the API does not have is asked at the same tenant, as nobody.
func TestHTTPClientOfAClient(t *testing.T) {
	var host, credential string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		host, credential = r.Host, r.Header.Get("Authorization")
	}))
	defer s.Close()
	at := strings.TrimPrefix(s.URL, "http://")
	port := at[strings.LastIndexByte(at, ':'):]
	for want, options := range map[string][]client.Option{
		at:                        nil,
		"acme.example.com" + port: {client.WithHost("Acme.example.com")},
		"acme.example.com:1":      {client.WithHost("acme.example.com:1")},
		"[::1]" + port:            {client.WithHost("[::1]")},
	} {
		c, err := client.New(t.Context(), s.URL, append(options, client.WithToken("t"))...)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.HTTPClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if host != want || credential != "" || request.Host == "acme.example.com:1" {
			t.Errorf("%q is asked, want %q, by %q", host, want, credential)
		}
	}
}
