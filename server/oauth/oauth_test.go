package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const (
	origin = "http://acme.localhost:8080"
	bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	scopes = token.ScopeOpenID + " " + token.ScopeAPI
	form   = "application/x-www-form-urlencoded"
)

// endpoint is the endpoints of one instance, behind a real port.
type endpoint struct {
	*tokentest.Directory
	ctx  context.Context
	url  string
	user *ent.User
	key  tokentest.Key
	log  *bytes.Buffer
}

func newEndpoint(t testing.TB, d *tokentest.Directory) *endpoint {
	t.Helper()
	e := &endpoint{Directory: d, log: &bytes.Buffer{}}
	ctx, o := d.Instance(t, origin)
	e.ctx, e.user = ctx, d.Machine(t, ctx, o)
	e.key = d.MachineKey(t, ctx, e.user, 0)
	handler := oauth.New(oauth.Options{Store: d.Store, Tokens: d.Tokens, Log: slog.New(slog.NewTextHandler(e.log, nil))})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(caller.WithInstance(r.Context(), caller.InstanceOf(ctx))))
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

// assertion returns a good one.
func (e *endpoint) assertion(t *testing.T) string {
	t.Helper()
	return tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now()))
}

// good returns the parameters of a good request.
func (e *endpoint) good(t *testing.T) url.Values {
	t.Helper()
	return url.Values{"grant_type": {bearer}, "assertion": {e.assertion(t)}, "scope": {scopes}}
}

// do returns the status, the header and the body of an answer.
func (e *endpoint) do(t *testing.T, verb, path, contentType, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, e.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &values); err != nil {
			t.Fatalf("%d %q: %v", answer.StatusCode, text, err)
		}
	}
	for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	return answer.StatusCode, answer.Header, values
}

func TestToken(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		e := newEndpoint(t, d)
		status, _, got := e.do(t, "POST", oauth.TokenPath, form+"; charset=utf-8", e.good(t).Encode())
		if status != http.StatusOK || got["token_type"] != "Bearer" || got["expires_in"] != 43199.0 || len(got) != 4 {
			t.Fatalf("the answer is %d %v", status, got)
		}
		c, err := d.Tokens.Authenticate(e.ctx, got["access_token"].(string), nil)
		if err != nil || c.ID != e.user.UserID {
			t.Errorf("the caller is %+v, the error %v", c, err)
		}
		_, _, keys := e.do(t, "GET", oauth.KeysPath, "", "")
		checkIDToken(t, e, got["id_token"].(string), keys)
	})
}

func checkIDToken(t *testing.T, e *endpoint, text string, keys map[string]any) {
	t.Helper()
	raw, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 || !set.Keys[0].IsPublic() || strings.Contains(string(raw), `"d"`) {
		t.Fatalf("the keys are %s", raw)
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(set, &claims); err != nil {
		t.Fatal(err)
	}
	expected := jwt.Expected{Issuer: origin, Subject: e.user.UserID, AnyAudience: jwt.Audience{e.user.UserID}, Time: e.Clock.Now()}
	if err := claims.Validate(expected); err != nil {
		t.Error(err)
	}
}

func TestTokenScopes(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	own := "urn:zitadel:iam:org:id:" + e.user.ResourceOwner
	for _, c := range []struct {
		scope string
		given any // of the answer
		id    bool
		api   bool
		err   string
	}{
		{scope: scopes, id: true, api: true},
		{scope: token.ScopeOpenID, id: true},
		{scope: token.ScopeAPI, api: true},
		{scope: "address " + scopes + " urn:zitadel:iam:org:project:id:1:aud", given: scopes, id: true, api: true},
		{scope: scopes + " " + token.ScopeOpenID, given: scopes, id: true, api: true},
		{scope: "profile"},
		{scope: scopes + " " + own, id: true, api: true},
		{scope: scopes + " urn:zitadel:iam:org:id:1", err: "invalid_scope"},
		{scope: scopes + " urn:zitadel:iam:org:id:", err: "invalid_scope"},
		{scope: scopes + " urn:zitadel:iam:org:domain:primary:acme.localhost", err: "invalid_scope"},
		{scope: "open\nid", err: "invalid_scope"},
		{scope: `open"id`, err: "invalid_scope"},
		{scope: "öpenid", err: "invalid_scope"},
	} {
		t.Run(c.scope, func(t *testing.T) {
			body := e.good(t)
			body.Set("scope", c.scope)
			status, _, got := e.do(t, "POST", oauth.TokenPath, form, body.Encode())
			if c.err != "" {
				if status != http.StatusBadRequest || got["error"] != c.err {
					t.Errorf("the answer is %d %v", status, got)
				}
				return
			}
			if _, id := got["id_token"]; status != http.StatusOK || id != c.id || got["scope"] != c.given {
				t.Fatalf("the answer is %d %v", status, got)
			}
			if _, err := e.Tokens.Authenticate(e.ctx, got["access_token"].(string), nil); (err == nil) != c.api {
				t.Errorf("for the API the error is %v", err)
			}
		})
	}
}

func TestTokenRefused(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	good := e.good(t)
	with := func(name string, values ...string) string {
		body := url.Values{}
		for n, v := range good {
			body[n] = v
		}
		body[name] = values
		return body.Encode()
	}
	wrongIssuer := tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, "http://else.localhost", e.Clock.Now()))
	for name, c := range map[string]struct{ contentType, body, code string }{
		"another audience":     {form, with("assertion", wrongIssuer), "invalid_grant"},
		"no JWT":               {form, with("assertion", "x"), "invalid_grant"},
		"cut assertion":        {form, with("assertion", good.Get("assertion")[:100]), "invalid_grant"},
		"no grant type":        {form, with("grant_type"), "invalid_request"},
		"empty grant type":     {form, with("grant_type", ""), "invalid_request"},
		"no assertion":         {form, with("assertion"), "invalid_request"},
		"empty assertion":      {form, with("assertion", ""), "invalid_request"},
		"no scope":             {form, with("scope"), "invalid_request"},
		"empty scope":          {form, with("scope", ""), "invalid_request"},
		"two scopes":           {form, with("scope", "openid", "openid"), "invalid_request"},
		"two grant types":      {form, with("grant_type", bearer, bearer), "invalid_request"},
		"two of an unknown":    {form, with("x", "1", "2"), "invalid_request"},
		"authorization code":   {form, with("grant_type", "authorization_code"), "unsupported_grant_type"},
		"password":             {form, "grant_type=password", "unsupported_grant_type"},
		"no content type":      {"", good.Encode(), "invalid_request"},
		"JSON":                 {"application/json", `{"grant_type":"` + bearer + `"}`, "invalid_request"},
		"multipart":            {"multipart/form-data; boundary=x", good.Encode(), "invalid_request"},
		"content type rubbish": {";", good.Encode(), "invalid_request"},
		"empty body":           {form, "", "invalid_request"},
		"no form":              {form, "%zz", "invalid_request"},
		"semicolon":            {form, "a;b", "invalid_request"},
		"too large":            {form, with("x", strings.Repeat("x", 64<<10)), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, got := e.do(t, "POST", oauth.TokenPath, c.contentType, c.body)
			if status != http.StatusBadRequest || got["error"] != c.code || len(got) != 2 {
				t.Fatalf("the answer is %d %v", status, got)
			}
			for _, letter := range got["error_description"].(string) { // RFC 6749, 5.2
				if letter < ' ' || letter > '~' || letter == '"' || letter == '\\' {
					t.Errorf("the description has %q", letter)
				}
			}
		})
	}
	// The address is no place for parameters (RFC 6749, 3.2).
	if status, _, got := e.do(t, "POST", oauth.TokenPath+"?"+good.Encode(), form, ""); status != http.StatusBadRequest {
		t.Errorf("with parameters in the address the answer is %d %v", status, got)
	}
	if strings.Contains(e.log.String(), good.Get("assertion")[:50]) || !strings.Contains(e.log.String(), "another audience") {
		t.Errorf("the log is %s", e.log)
	}
}

// All bad assertions have one answer.
func TestTokenOneAnswer(t *testing.T) {
	e := newEndpoint(t, tokentest.SQLite(t, nil))
	answers := map[string]bool{}
	for _, assertion := range []string{
		"x",
		tokentest.Sign(t, jose.RS256, e.key.Private, "1", tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now())),
		tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned("1", origin, e.Clock.Now())),
		tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, "x", e.Clock.Now())),
		tokentest.Sign(t, jose.RS256, e.key.Private, e.key.ID, tokentest.SelfSigned(e.user.UserID, origin, e.Clock.Now().Add(-2*time.Hour))),
	} {
		body := e.good(t)
		body.Set("assertion", assertion)
		_, _, got := e.do(t, "POST", oauth.TokenPath, form, body.Encode())
		answers[got["error"].(string)+got["error_description"].(string)] = true
	}
	if len(answers) != 1 {
		t.Errorf("the answers are %v", answers)
	}
}
