//go:build unix

package client_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestSystemKeys(t *testing.T) {
	ofRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ofECDSA, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ofEd25519, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{"rsa": ofRSA, "ecdsa": ofECDSA, "ed25519": ofEd25519}
	files := map[string]string{}
	var users []server.SystemUser
	for name, key := range keys {
		files[name] = file(t, pemOf(t, key))
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, server.SystemUser{
			Name:        name,
			PublicKey:   string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			Memberships: []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER"}}},
		})
	}
	ecDER, err := x509.MarshalECPrivateKey(ofECDSA)
	if err != nil {
		t.Fatal(err)
	}
	// What openssl writes.
	forms := map[string][2]string{
		"rsa, PKCS #1": {"rsa", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(ofRSA)}))},
		"ecdsa, SEC 1": {"ecdsa", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER}))},
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		list := func(name string, option client.Option) {
			c := connected(t, s.URL, option)
			if _, err := c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, path := range files {
			list(name, client.WithSystemKey(name, path))
			token, err := client.SystemToken(name, path, s.URL)
			if err != nil {
				t.Fatal(err)
			}
			list(name+", its token", client.WithToken(token))
			if again, err := client.SystemToken(name, path, s.URL); err != nil || again == token {
				t.Errorf("%s: a token signed anew is the same (%v)", name, err)
			}
		}
		for name, form := range forms {
			list(name, client.WithSystemKey(form[0], file(t, form[1])))
		}
	}, func(c *server.Config) { c.SystemUsers = append(c.SystemUsers, users...) })
	if _, err := client.SystemToken("system", filepath.Join(t.TempDir(), "missing"), "http://localhost"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
