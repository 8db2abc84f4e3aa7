package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest/postgres"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

func TestDiscovery(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	methods := []any{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	want := map[string]any{
		"issuer":                 origin,
		"token_endpoint":         origin + "/oauth/v2/token",
		"jwks_uri":               origin + "/oauth/v2/keys",
		"introspection_endpoint": origin + "/oauth/v2/introspect",
		"revocation_endpoint":    origin + "/oauth/v2/revoke",
		"userinfo_endpoint":      origin + "/oidc/v1/userinfo",
		"scopes_supported": []any{
			token.ScopeAPI, "openid", "profile", "email", "phone",
			"urn:zitadel:iam:user:resourceowner", "urn:zitadel:iam:user:metadata", "urn:zitadel:iam:org:projects:roles",
		},
		"response_types_supported":                                 []any{},
		"grant_types_supported":                                    []any{bearer, "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_types_supported":                                  []any{"public"},
		"id_token_signing_alg_values_supported":                    []any{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"},
		"token_endpoint_auth_methods_supported":                    append(slices.Clone(methods), "none"),
		"token_endpoint_auth_signing_alg_values_supported":         []any{"RS256"},
		"introspection_endpoint_auth_methods_supported":            methods,
		"introspection_endpoint_auth_signing_alg_values_supported": []any{"RS256"},
		"revocation_endpoint_auth_methods_supported":               append(slices.Clone(methods), "none"),
		"revocation_endpoint_auth_signing_alg_values_supported":    []any{"RS256"},
		"claims_supported": []any{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "act",
			"name", "preferred_username", "updated_at", "given_name", "family_name", "nickname", "gender", "locale",
			"email", "email_verified", "phone_number", "phone_number_verified",
			"urn:zitadel:iam:org:id", "urn:zitadel:iam:org:project:roles",
			"urn:zitadel:iam:user:resourceowner:id", "urn:zitadel:iam:user:resourceowner:name",
			"urn:zitadel:iam:user:resourceowner:primary_domain", "urn:zitadel:iam:user:metadata",
		},
		"request_uri_parameter_supported": false,
	}
	wantText, _ := json.Marshal(want)
	for _, path := range []string{oauth.DiscoveryPath, oauth.MetadataPath} {
		status, _, got := e.do(t, "GET", path, "", "")
		if gotText, _ := json.Marshal(got); status != http.StatusOK || !bytes.Equal(gotText, wantText) {
			t.Errorf("%s: the answer is %d %s", path, status, gotText)
		}
	}
	if _, _, keys := e.do(t, "GET", oauth.KeysPath, "", ""); len(keys) != 1 || len(keys["keys"].([]any)) != 0 {
		t.Errorf("before the first ID token the keys are %v", keys)
	}
}

func TestVerbs(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	for path, allowed := range map[string]string{
		oauth.DiscoveryPath:     "GET, HEAD",
		oauth.MetadataPath:      "GET, HEAD",
		oauth.KeysPath:          "GET, HEAD",
		oauth.TokenPath:         "POST",
		oauth.IntrospectionPath: "POST",
	} {
		for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			status, header, got := e.do(t, verb, path, form, "")
			if strings.Contains(allowed, verb) {
				if status == http.StatusMethodNotAllowed || header.Get("Content-Length") == "0" {
					t.Errorf("%s %s: %d %v", verb, path, status, got)
				}
			} else if status != http.StatusMethodNotAllowed || header.Get("Allow") != allowed {
				t.Errorf("%s %s: %d, Allow: %s", verb, path, status, header.Get("Allow"))
			}
		}
	}
	if status, _, got := e.do(t, "GET", "/oauth/v2/other", "", ""); status != http.StatusNotFound || got["error"] == nil {
		t.Errorf("an unknown path: %d %v", status, got)
	}
}

// While the database is away the caller is told to try again; afterwards it
// works without a restart.
func TestDatabaseAway(t *testing.T) {
	server, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := server.Create(t.Context(), "token")
	if err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(t, tokentest.Open(t, url, nil))
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, _, got := e.do(t, "POST", oauth.TokenPath, form, e.good(t).Encode())
	if status != http.StatusServiceUnavailable || got["error"] != "temporarily_unavailable" {
		t.Errorf("the answer is %d %v", status, got)
	}
	if status, _, got := e.do(t, "GET", oauth.KeysPath, "", ""); status != http.StatusServiceUnavailable {
		t.Errorf("the answer is %d %v", status, got)
	}
	if !strings.Contains(e.log.String(), "database.down") {
		t.Errorf("the log is %s", e.log)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _, got := e.do(t, "POST", oauth.TokenPath, form, e.good(t).Encode()); status != http.StatusOK {
		t.Errorf("after the restart the answer is %d %v", status, got)
	}
}

// A caller who sends its body too slowly is told so, as one whose request takes
// too long is.
func TestBodyTooLate(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	e := newEndpoint(t, d)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(e.ctx, "POST", oauth.TokenPath, iotest.ErrReader(os.ErrDeadlineExceeded))
	r.Header.Set("Content-Type", form)
	oauth.New(oauth.Options{Store: d.Store, Tokens: d.Tokens, Log: slog.New(slog.NewTextHandler(e.log, nil))}).ServeHTTP(w, r)
	if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "temporarily_unavailable") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A failure of the server is none of the caller, and does not tell its cause.
func TestFailures(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	e := newEndpoint(t, d)
	handler := oauth.New(oauth.Options{Store: d.Store, Tokens: d.Tokens, Log: slog.New(slog.NewTextHandler(e.log, nil))})
	ask := func(ctx context.Context) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, "POST", oauth.TokenPath, strings.NewReader(e.good(t).Encode()))
		r.Header.Set("Content-Type", form)
		handler.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	gone, cancel := context.WithCancel(e.ctx)
	cancel()
	if status, body := ask(gone); status != http.StatusServiceUnavailable || e.log.Len() > 0 {
		t.Errorf("canceled: %d %s, log %s", status, body, e.log)
	}
	for _, before := range []context.Context{e.ctx, gone} {
		late, cancel := context.WithDeadline(before, time.Now())
		defer cancel()
		if status, body := ask(late); status != http.StatusGatewayTimeout || !strings.Contains(body, "temporarily_unavailable") || !strings.Contains(e.log.String(), "level=WARN") {
			t.Errorf("too late: %d %s, log %s", status, body, e.log)
		}
		e.log.Reset()
	}
	e.log.Reset()
	lost := caller.WithInstance(e.ctx, caller.Instance{Origin: origin}) // a mistake in the program
	if status, body := ask(lost); status != http.StatusInternalServerError || !strings.Contains(body, "server_error") || strings.Contains(body, "instance") {
		t.Errorf("no instance: %d %s", status, body)
	}
	if !strings.Contains(e.log.String(), "names no instance") {
		t.Errorf("the log is %s", e.log)
	}
}
