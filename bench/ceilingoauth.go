package main

import (
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// mountOAuth adds the bare handlers of the OAuth calls whose answers are in the
// directory. They answer with the same bytes each time; that of the JWT profile
// verifies the assertion before, with a key that it knows, and looks at nothing
// that the assertion says.
func mountOAuth(mux *http.ServeMux, answers string) error {
	der, err := os.ReadFile(filepath.Join(answers, keyFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil // none is measured
	}
	if err != nil {
		return err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	for name, h := range map[string]struct {
		pattern string
		good    func(*http.Request) bool
	}{
		nameJWTProfile: {"POST /oauth/v2/token", func(r *http.Request) bool {
			parsed, err := jwt.ParseSigned(r.PostFormValue("assertion"), []jose.SignatureAlgorithm{jose.RS256})
			return err == nil && parsed.Claims(key, &jwt.Claims{}) == nil
		}},
		nameIntrospection: {"POST /oauth/v2/introspect", func(r *http.Request) bool { return r.PostFormValue("token") != "" }},
		nameUserinfo:      {"GET /oidc/v1/userinfo", func(*http.Request) bool { return true }},
	} {
		body, err := os.ReadFile(filepath.Join(answers, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // not measured
		}
		if err != nil {
			return err
		}
		mux.HandleFunc(h.pattern, func(w http.ResponseWriter, r *http.Request) {
			if !h.good(r) {
				http.Error(w, "refused", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body) // a client that is gone misses nothing
		})
	}
	return nil
}
