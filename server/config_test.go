package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server/caller"
)

func TestZeroConfigIsTheDefault(t *testing.T) {
	c, err := Config{}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.ExternalURL() != "http://localhost:8080" || c.Listen != "127.0.0.1:8080" || c.DataDir != "./bastide-data" || c.SigningKeyLifetime != 90*24*time.Hour || c.Limits != Defaults().Limits || c.Log == nil {
		t.Errorf("%+v", c)
	}
	again, err := c.WithDefaults()
	if err != nil || again.ExternalURL() != c.ExternalURL() || again.Limits != c.Limits {
		t.Errorf("%v: %+v", err, again)
	}
	smaller, err := Config{Limits: Limits{MaxListLimit: 50}}.WithDefaults()
	if err != nil || smaller.Limits.DefaultListLimit != 50 {
		t.Errorf("a small largest page: %v: %+v", err, smaller.Limits)
	}
}

func TestExternalURL(t *testing.T) {
	for want, c := range map[string]Config{
		"https://id.example.com":              {ExternalDomain: "ID.example.com", ExternalPort: 443, ExternalSecure: true},
		"http://id.example.com":               {ExternalDomain: "id.example.com", ExternalPort: 80},
		"https://id.example.com:80":           {ExternalDomain: "id.example.com", ExternalPort: 80, ExternalSecure: true},
		"https://localhost:8080":              {TLSCert: "cert.pem", TLSKey: "key.pem"},
		"http://xn--bcher-kva.example:9000":   {ExternalDomain: "Bücher.example", Listen: ":9000"},
		"http://192.0.2.1:8080":               {ExternalDomain: "192.0.2.1"},
		"http://localhost:0":                  {Listen: "[::1]:0"},
		"http://a-b.c1.example.com:65535":     {ExternalDomain: "a-b.c1.example.com", ExternalPort: 65535},
		"https://xn--strae-oqa.example:12345": {ExternalDomain: "straße.example", ExternalPort: 12345, ExternalSecure: true},
	} {
		c, err := c.WithDefaults()
		if err != nil || c.ExternalURL() != want {
			t.Errorf("%s: %v, want %s", c.ExternalURL(), err, want)
		}
	}
}

func TestConfigErrorsNameTheFlag(t *testing.T) {
	for _, test := range []struct {
		flag   string
		config Config
	}{
		{"--listen", Config{Listen: "8080"}},
		{"--data-dir", Config{DataDir: "/tmp/" + strings.Repeat("d", 100)}}, // the socket in it could not be
		{"--listen", Config{Listen: "localhost:http"}},
		{"--listen", Config{Listen: "localhost:65536"}},
		{"--database", Config{Database: "mysql://user:Tr0ub4dor@db/x"}},
		{"--database", Config{Database: "postgres://user:Tr0ub4dor@db:x/x"}},
		{"--database", Config{Database: "postgres:///Tr0ub4dor"}},
		{"--external-domain", Config{ExternalDomain: "http://id.example.com"}},
		{"--external-domain", Config{ExternalDomain: "id.example.com:80"}},
		{"--external-domain", Config{ExternalDomain: "a..b"}},
		{"--external-domain", Config{ExternalDomain: strings.Repeat("a", 64) + ".example"}},
		{"--external-port", Config{ExternalPort: -1}},
		{"--external-port", Config{ExternalPort: 65536}},
		{"--default-instance", Config{DefaultInstance: "first"}},
		{"--default-instance", Config{DefaultInstance: "12345678901234567x"}},
		{"--tls-key", Config{TLSCert: "cert.pem"}},
		{"--tls-cert", Config{TLSKey: "key.pem"}},
		{"--trusted-proxies", Config{TrustedProxies: []netip.Prefix{{}}}},
		{"--cors-origins", Config{CORSOrigins: []string{"app.example.com"}}},
		{"--cors-origins", Config{CORSOrigins: []string{"none", "https://app.example.com"}}},
		{"--signing-key-lifetime", Config{SigningKeyLifetime: time.Hour - 1}},
		{"--max-header-bytes", Config{Limits: Limits{MaxHeaderBytes: -1}}},
		{"--max-body-bytes", Config{Limits: Limits{MaxBodyBytes: -1}}},
		{"--max-http2-streams", Config{Limits: Limits{MaxHTTP2Streams: 1 << 20}}},
		{"--max-list-limit", Config{Limits: Limits{MaxListLimit: -1}}},
		{"--default-list-limit", Config{Limits: Limits{DefaultListLimit: 1001}}},
		{"--password-workers", Config{Limits: Limits{PasswordWorkers: -1}}},
		{"--cache-size", Config{CacheSize: 1<<24 + 1}},
		{"--header-timeout", Config{Limits: Limits{HeaderTimeout: -1}}},
		{"--idle-timeout", Config{Limits: Limits{IdleTimeout: -time.Second}}},
		{"--call-timeout", Config{Limits: Limits{CallTimeout: -time.Second}}},
		{"--drain-timeout", Config{Limits: Limits{DrainTimeout: -time.Second}}},
	} {
		_, err := test.config.WithDefaults()
		if err == nil || !strings.Contains(err.Error(), test.flag) {
			t.Errorf("%s is not named: %v", test.flag, err)
		} else if strings.Contains(err.Error(), "Tr0ub4dor") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	_, err := Config{Listen: "x", Limits: Limits{CallTimeout: -1}, TLSKey: "x"}.WithDefaults()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not every mistake is named: %v", err)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	c := Config{Database: "postgres://Tr0ub4dor"}
	encoded, err := json.Marshal(map[string]any{"database": c.Database})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("opened", "database", c.Database, "config", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("opened", "database", c.Database)
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", c, c, c, c.Database, c.Database, c.Database, &c) + string(encoded) + log.String()
	if strings.Contains(text, "Tr0ub4dor") || strings.Contains(text, fmt.Sprintf("%x", "Tr0ub4dor")) {
		t.Error(text)
	}
	if !strings.Contains(text, "[redacted]") {
		t.Error(text)
	}
}

func TestSystemUserKeys(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	smallRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	smallEC, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	for _, test := range []struct{ key, want string }{
		{block(&smallRSA.PublicKey), "1024 bits"},
		{block(&smallEC.PublicKey), "not on the curve P-256"},
		{block(&good.PublicKey) + block(&good.PublicKey), "more than one"},
		{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read"},
		{"", "missing"},
	} {
		_, err := Config{SystemUsers: []SystemUser{{Name: "ops", PublicKey: test.key}}}.WithDefaults()
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `"ops"`) {
			t.Errorf("want %q: %v", test.want, err)
		}
	}
	u := SystemUser{Name: strings.Repeat("ö", 200), PublicKey: block(&good.PublicKey), Memberships: []caller.Membership{{Level: caller.OrganizationLevel, ID: "1", Roles: []string{"ORG_OWNER"}}}}
	if _, err := (Config{SystemUsers: []SystemUser{u}}).WithDefaults(); err != nil {
		t.Error(err)
	}
	u.Name += "ö"
	if _, err := (Config{SystemUsers: []SystemUser{u}}).WithDefaults(); err == nil {
		t.Error("a name of 201 characters is taken")
	}
	if key, err := u.Key(); err != nil || !good.PublicKey.Equal(key) {
		t.Errorf("%v: %v", err, key)
	}
}
