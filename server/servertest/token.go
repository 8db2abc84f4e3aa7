//go:build unix

package servertest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// SystemToken returns a token of the first run's system user, valid for an hour
// by the clock of the server.
func (s *Server) SystemToken(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, server.SystemKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return s.sign(t, jose.RS256, key, server.FirstSystemUser)
}

// SystemUser is a system user of a test's own.
type SystemUser struct {
	server.SystemUser
	private ed25519.PrivateKey
}

// NewSystemUser returns a system user with a new key.
func NewSystemUser(t testing.TB, name string, memberships ...caller.Membership) SystemUser {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return SystemUser{
		SystemUser: server.SystemUser{Name: name, PublicKey: string(text), Memberships: memberships},
		private:    private,
	}
}

// Option adds the user to the configuration of a server.
func (u SystemUser) Option(c *server.Config) { c.SystemUsers = append(c.SystemUsers, u.SystemUser) }

// AsSystemUser returns a caller with a token of the system user.
func (s *Server) AsSystemUser(t testing.TB, u SystemUser) *Caller {
	t.Helper()
	return s.As(s.sign(t, jose.EdDSA, u.private, u.Name))
}

func (s *Server) sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, name string) string {
	t.Helper()
	signed := tokentest.Sign(t, algorithm, key, "", tokentest.SelfSigned(name, s.URL, s.Clock.Now()))
	s.secrets.add(signed)
	return signed
}

// Exchange returns the access token that a machine key gets on a host, for an
// assertion that names the issuer of that host.
func (s *Server) Exchange(t testing.TB, host string, keyFile []byte) string {
	t.Helper()
	endpoint, form := s.Assertion(t, host, keyFile)
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	s.fetch(t, http.MethodPost, endpoint, form, &answer)
	if answer.TokenType != "Bearer" || answer.AccessToken == "" {
		t.Fatalf("the token is of type %q and %d characters long", answer.TokenType, len(answer.AccessToken))
	}
	s.secrets.add(answer.AccessToken)
	return answer.AccessToken
}

// Assertion returns the token endpoint of a host, and the form that asks there
// for an access token with an assertion by a machine key.
func (s *Server) Assertion(t testing.TB, host string, keyFile []byte) (endpoint string, form url.Values) {
	t.Helper()
	var key struct{ Type, KeyID, Key, UserID string }
	if err := json.Unmarshal(keyFile, &key); err != nil {
		t.Fatalf("the key file cannot be read: %v", err)
	}
	block, _ := pem.Decode([]byte(key.Key))
	if key.Type != "serviceaccount" || block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Fatalf("the key file is of type %q and its key in a block %v", key.Type, block)
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	base := s.As("").On(host).base()
	s.fetch(t, http.MethodGet, base+"/.well-known/openid-configuration", nil, &metadata)
	if metadata.Issuer != base {
		t.Fatalf("the issuer is %q, not %q", metadata.Issuer, base)
	}
	assertion := tokentest.Sign(t, jose.RS256, private, key.KeyID, tokentest.SelfSigned(key.UserID, metadata.Issuer, s.Clock.Now()))
	s.secrets.add(assertion)
	return metadata.TokenEndpoint, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"scope":      {token.ScopeOpenID + " " + token.ScopeAPI},
		"assertion":  {assertion},
	}
}

// fetch reads JSON; form is sent if it is not nil.
func (s *Server) fetch(t testing.TB, verb, address string, form url.Values, into any) {
	t.Helper()
	var response *http.Response
	var err error
	if verb == http.MethodPost {
		response, err = s.http1.PostForm(address, form)
	} else {
		response, err = s.http1.Get(address)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %s: %s", verb, address, response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s %s answered %q: %v", verb, address, body, err)
	}
}

func (c *Caller) base() string { return "http://" + c.host }
