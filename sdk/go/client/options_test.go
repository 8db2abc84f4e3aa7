package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/sdk/go/client"
)

const secret = "SECRET-in-a-bad-place"

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestURLIsChecked(t *testing.T) {
	for url, says := range map[string]string{
		"":                               "must be http://host or https://host",
		"localhost:8080":                 "must be http://host or https://host",
		"grpc://localhost":               "must be http://host or https://host",
		"http:localhost":                 "must be http://host or https://host",
		"http://%zz":                     "must be http://host or https://host",
		"http://":                        "must have a host",
		"http://localhost:":              "must have a host",
		"http://:8080":                   "must have a host",
		"http://localhost/management/v1": "must have no path",
		"http://localhost?" + secret:     "must have no path",
		"http://localhost#" + secret:     "must have no path",
		"http://a:" + secret + "@b":      "must have no user and password",
		"http://bücher.example":          "ASCII",
		"http://id.example.com":          "WithCleartext",
		"http://127.0.0.1.example.com":   "WithCleartext",
		"http://notlocalhost":            "WithCleartext",
	} {
		_, err := client.New(t.Context(), url, client.WithToken("t"))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, url := range []string{
		"https://id.example.com", "https://id.example.com/", "HTTPS://ID.example.com:8443", "http://localhost", "http://acme.localhost:8080",
		"http://LOCALHOST.:80", "http://127.0.0.2", "http://[::1]:8080",
	} {
		if _, err := client.New(t.Context(), url, client.WithToken("t")); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestCleartext(t *testing.T) {
	for name, option := range map[string]client.Option{"allowed": client.WithCleartext(), "nothing to read": nil} {
		credential := client.WithToken("t")
		if option == nil {
			option, credential = client.WithTimeout(client.DefaultTimeout), client.WithoutCredential()
		}
		if _, err := client.New(t.Context(), "http://bastide:8080", credential, option); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := client.WithToken("t")
	missing := filepath.Join(t.TempDir(), "missing")
	keyFile := func(kind, key string) string {
		return fmt.Sprintf(`{"type":%q,"keyId":"1","userId":"2","key":%q,"secret":%q}`, kind, key, secret)
	}
	for name, test := range map[string]struct {
		options []client.Option
		says    string
	}{
		"no credential":        {nil, "there is no credential: give WithToken"},
		"two credentials":      {[]client.Option{good, client.WithKey(newFake(t).key)}, "WithToken and WithKey: give one credential only"},
		"nobody and a token":   {[]client.Option{client.WithoutCredential(), good}, "WithoutCredential and WithToken: give one"},
		"two protocols":        {[]client.Option{good, client.WithGRPC(), client.WithGRPCWeb()}, "WithGRPC and WithGRPCWeb: give one protocol only"},
		"nil":                  {[]client.Option{nil}, "an option is nil"},
		"empty token":          {[]client.Option{client.WithToken(" \n")}, "WithToken: the token must not be empty"},
		"token with a space":   {[]client.Option{client.WithToken(secret + " " + secret)}, "WithToken: the token must be ASCII without spaces"},
		"token file":           {[]client.Option{client.WithTokenFile(missing)}, "WithTokenFile: open " + missing},
		"empty token file":     {[]client.Option{client.WithTokenFile(file(t, ""))}, "WithTokenFile: the token must not be empty"},
		"key file":             {[]client.Option{client.WithKeyFile(missing)}, "WithKeyFile: open " + missing},
		"key file, no JSON":    {[]client.Option{client.WithKeyFile(file(t, secret))}, "it is not the JSON of a key file"},
		"key, no JSON":         {[]client.Option{client.WithKey([]byte(secret))}, "WithKey: it is not the JSON"},
		"key of what":          {[]client.Option{client.WithKey([]byte("{}"))}, "WithKey: the key file must be of the type serviceaccount"},
		"key of application":   {[]client.Option{client.WithKey([]byte(keyFile("application", secret)))}, "the key is one of an application"},
		"key without key":      {[]client.Option{client.WithKey([]byte(keyFile("serviceaccount", "")))}, "must have keyId, key and userId"},
		"key is no PEM":        {[]client.Option{client.WithKey([]byte(keyFile("serviceaccount", secret)))}, "key: it is not PEM"},
		"key of another kind":  {[]client.Option{client.WithKey([]byte(keyFile("serviceaccount", pemOf(t, p384))))}, "key: the key must be RSA"},
		"system user":          {[]client.Option{client.WithSystemKey("", missing)}, "WithSystemKey: the user must have a name"},
		"system key":           {[]client.Option{client.WithSystemKey("system", missing)}, "WithSystemKey: open " + missing},
		"system key, no PEM":   {[]client.Option{client.WithSystemKey("system", file(t, secret))}, "it is not PEM"},
		"system key, curve":    {[]client.Option{client.WithSystemKey("system", file(t, pemOf(t, p384)))}, "the key must be RSA, ECDSA on P-256 or Ed25519"},
		"system key, public":   {[]client.Option{client.WithSystemKey("system", file(t, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))}, `a PEM block "PUBLIC KEY"`},
		"system key, rubbish":  {[]client.Option{client.WithSystemKey("system", file(t, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))}, "cannot be read"},
		"organization":         {[]client.Option{good, client.WithOrganization("")}, "WithOrganization: the id must not be empty"},
		"organization's lines": {[]client.Option{good, client.WithOrganization("1\r\nX: y")}, "WithOrganization: the id must be ASCII"},
		"host":                 {[]client.Option{good, client.WithHost("")}, "WithHost: it must have a host"},
		"host with a scheme":   {[]client.Option{good, client.WithHost("http://localhost")}, "WithHost: it must have a host"},
		"host with a user":     {[]client.Option{good, client.WithHost("a@localhost")}, "WithHost: it must have a host"},
		"audience":             {[]client.Option{good, client.WithAudience("localhost")}, "WithAudience: it must be the URL"},
		"HTTP client":          {[]client.Option{good, client.WithHTTPClient(nil)}, "WithHTTPClient: the client is nil"},
		"timeout":              {[]client.Option{good, client.WithTimeout(0)}, "WithTimeout: it must be more"},
	} {
		_, err := client.New(t.Context(), "http://localhost", test.options...)
		if err == nil || !strings.HasPrefix(err.Error(), "client: ") || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.New(t.Context(), "http://localhost", client.WithKeyFile(missing)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.New(done, "http://localhost", good); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
}

// A space around a token comes from its file.
func TestTokenIsTrimmed(t *testing.T) {
	f := newFake(t)
	if err := read(t, f.client(t, client.WithTokenFile(file(t, "the-token\n")))); err != nil || f.authorizations() != "the-token" {
		t.Errorf("sent %q: %v", f.authorizations(), err)
	}
}

// Nothing that prints a client, or its HTTP client, prints what it authenticates
// by.
func TestNothingPrintsSecrets(t *testing.T) {
	f := newFake(t)
	for name, credential := range map[string]client.Option{"token": client.WithToken(secret), "key": f.withKey()} {
		c := f.client(t, credential, client.WithHost("acme.example.com"))
		if err := read(t, c); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, value := range []any{c, *c, c.HTTPClient(), credential, &c} {
				text := fmt.Sprintf(verb, value)
				for _, hidden := range []string{secret, "token-1", "PRIVATE"} {
					if strings.Contains(text, hidden) {
						t.Errorf("%s: %s of %T shows %s", name, verb, value, hidden)
					}
				}
			}
		}
	}
	c := f.client(t, client.WithToken(secret))
	if got, want := fmt.Sprint(c), "client.Client("+f.URL+")"; got != want {
		t.Errorf("it prints as %s, not %s", got, want)
	}
}
