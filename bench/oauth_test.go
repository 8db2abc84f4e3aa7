package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newParty returns a party whose machine user signed an assertion.
func newParty(t *testing.T) party {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "serviceaccount", "keyId": "1", "userId": "2",
		"key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := party{clientID: "3", clientSecret: "secret", forProject: "a", forProfile: "b"}
	if err := p.sign(file, "http://localhost"); err != nil {
		t.Fatal(err)
	}
	return p
}

func oauthCalls() []call {
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.plain == nil })
}

// What a server answers is recorded, and the ceiling gives the same answers.
func TestCeilingOfOAuth(t *testing.T) {
	dir := t.TempDir()
	recorded := http.NewServeMux()
	for pattern, body := range map[string]string{
		"POST /oauth/v2/token":      `{"access_token":"x"}`,
		"POST /oauth/v2/introspect": `{"active":true}`,
		"GET /oidc/v1/userinfo":     `{"sub":"2"}`,
	} {
		recorded.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			id, secret, basic := r.BasicAuth()
			if looks := strings.HasSuffix(pattern, "introspect"); basic != looks || looks && (id != "3" || secret != "secret") {
				t.Errorf("%s: the client is %q, %q", pattern, id, secret)
			}
			_, _ = w.Write([]byte(body))
		})
	}
	to, p := start(t, recorded), newParty(t)
	to.party = p
	for _, c := range oauthCalls() {
		if err := to.record(t.Context(), c, dir); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	if err := mountOAuth(mux, dir); err != nil {
		t.Fatal(err)
	}
	to = start(t, mux)
	to.party = p
	for _, c := range oauthCalls() {
		body, err := to.once(t.Context(), c.plain(to))
		want, _ := os.ReadFile(filepath.Join(dir, c.name))
		if err != nil || string(body) != string(want) || len(want) == 0 {
			t.Errorf("%s: %s, %v, want %s", c.name, body, err, want)
		}
		client, err := to.dial(t.Context(), c, oauthHTTP, nil, spare)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := client.do(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if err := client.close(); err != nil {
			t.Error(err)
		}
	}
	to.party = newParty(t) // who signs with another key
	if _, err := to.once(t.Context(), to.jwtProfile(scopeAPI)); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("the ceiling does not verify: %v", err)
	}
}

// An answer that says no is not what is to be measured.
func TestRecordWantsAGoodAnswer(t *testing.T) {
	to := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"active":false}`)) }))
	to.party = newParty(t)
	for _, c := range oauthCalls() {
		if err := to.record(t.Context(), c, t.TempDir()); err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
