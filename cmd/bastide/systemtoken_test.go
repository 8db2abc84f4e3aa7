package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func privatePEM(t *testing.T, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestSystemTokenOfEachKindOfKey(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: rsaKey(t, 2048), jose.ES256: ecKey(t), jose.EdDSA: edKey} {
		t.Run(string(algorithm), func(t *testing.T) {
			dir := filepath.Dir(write(t, "unused", ""))
			if err := os.WriteFile(filepath.Join(dir, "system.key.pem"), []byte(privatePEM(t, key)), 0o600); err != nil {
				t.Fatal(err)
			}
			before := time.Now().Truncate(time.Second)
			got := bastide(t, nil, "system-token", "--data-dir", dir, "--external-domain", "id.example.com", "--external-port", "443", "--external-secure")
			if got.code != exitOK || got.stderr != "" || strings.Count(got.stdout, "\n") != 1 {
				t.Fatalf("%+v", got)
			}
			token, err := jwt.ParseSigned(strings.TrimSuffix(got.stdout, "\n"), []jose.SignatureAlgorithm{algorithm})
			if err != nil {
				t.Fatal(err)
			}
			var claims jwt.Claims
			if err := token.Claims(key.Public(), &claims); err != nil {
				t.Fatal(err)
			}
			if claims.Issuer != "system" || claims.Subject != "system" || len(claims.Audience) != 1 || claims.Audience[0] != "https://id.example.com" {
				t.Errorf("%+v", claims)
			}
			issued := claims.IssuedAt.Time()
			if issued.Before(before) || issued.After(time.Now()) || claims.Expiry.Time().Sub(issued) != time.Hour {
				t.Errorf("issued %s, expires %s", issued, claims.Expiry.Time())
			}
		})
	}
}

func TestSystemTokenOfAnotherUser(t *testing.T) {
	key := ecKey(t)
	path := write(t, "ops.key.pem", privatePEM(t, key))
	got := bastide(t, nil, "system-token", "--user", "ops", "--key-file", path, "--audience", "http://elsewhere:1")
	token, err := jwt.ParseSigned(strings.TrimSpace(got.stdout), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	var claims jwt.Claims
	if err := token.Claims(key.Public(), &claims); err != nil || claims.Issuer != "ops" || claims.Subject != "ops" || claims.Audience[0] != "http://elsewhere:1" {
		t.Errorf("%v: %+v", err, claims)
	}
}

func TestSystemTokenErrors(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no key":       {[]string{"--data-dir", t.TempDir()}, exitFailed, "the first start of the server makes it"},
		"not PEM":      {[]string{"--key-file", write(t, "key.pem", "secret-material")}, exitFailed, "not PEM"},
		"a public key": {[]string{"--key-file", write(t, "key.pem", publicPEM(t, ecKey(t).Public()))}, exitFailed, "PUBLIC KEY"},
		"a small key":  {[]string{"--key-file", write(t, "key.pem", privatePEM(t, rsaKey(t, 1024)))}, exitFailed, "1024 bits"},
		"user only":    {[]string{"--user", "ops"}, exitUsage, "--key-file"},
		"no port":      {[]string{"--key-file", write(t, "key.pem", privatePEM(t, ecKey(t))), "--listen", ":0", "--data-dir", t.TempDir()}, exitFailed, "--audience"},
	} {
		t.Run(name, func(t *testing.T) {
			got := bastide(t, nil, append([]string{"system-token"}, test.args...)...)
			if got.code != test.code || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
				t.Errorf("want exit code %d and %q: %+v", test.code, test.want, got)
			}
			if strings.Contains(got.stderr, "secret-material") {
				t.Errorf("the error shows the file: %s", got.stderr)
			}
		})
	}
}

// adminSocket answers as a running server does, on the socket of a data
// directory, which it returns.
func adminSocket(t *testing.T, answer string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bastide")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "admin.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(answer))
	})}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = os.RemoveAll(dir)
	})
	return dir
}

func TestSystemTokenAsksTheServerForItsPort(t *testing.T) {
	dir := adminSocket(t, `{"url":"http://localhost:4567"}`)
	got := bastide(t, nil, "system-token", "--data-dir", dir, "--listen", ":0", "--key-file", write(t, "key.pem", privatePEM(t, ecKey(t))))
	token, err := jwt.ParseSigned(strings.TrimSpace(got.stdout), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil || claims.Audience[0] != "http://localhost:4567" {
		t.Errorf("%v: %+v", err, claims)
	}
}
