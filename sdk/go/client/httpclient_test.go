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
