//go:build unix

package reference_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

// TestOAuthEndpoints calls what is described by hand: each path is served, and
// answers as described.
func TestOAuthEndpoints(t *testing.T) {
	s := newSchemas(t)
	servertest.Each(t, func(t *testing.T, server *servertest.Server) {
		owner := server.First(t)
		id := owner.NewMachine(t, "bot")
		secret := s.make(t, server, call{operation: "PUT /management/v1/users/{user_id}/secret", path: []string{id}, token: server.OwnerToken, status: 200, keep: "clientSecret"})
		project := s.make(t, server, call{operation: "POST /management/v1/projects", body: `{"name":"Orders"}`, token: server.OwnerToken, status: 200, keep: "id"})
		var application struct{ ClientID, ClientSecret string }
		_, text := send(t, server, "POST", "/management/v1/projects/"+project+"/apps/api", call{body: `{"name":"orders"}`, token: server.OwnerToken})
		if err := json.Unmarshal(text, &application); err != nil {
			t.Fatal(err)
		}
		client := url.Values{"client_id": {id}, "client_secret": {secret}}
		with := func(pairs ...string) url.Values {
			form := url.Values{}
			for name, values := range client {
				form[name] = values
			}
			for i := 0; i < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return form
		}
		called := map[string]bool{}
		post := func(operation string, form url.Values, status int) string {
			called[operation] = true
			return s.oauth(t, server, operation, form, "", status)
		}
		for _, operation := range []string{"get /.well-known/openid-configuration", "get /.well-known/oauth-authorization-server", "get /oauth/v2/keys"} {
			called[operation] = true
			s.oauth(t, server, operation, nil, "", 200)
		}
		answer := post("post /oauth/v2/token", with("grant_type", "client_credentials", "scope", "openid profile urn:zitadel:iam:org:project:id:"+project+":aud"), 200)
		_, rest, _ := strings.Cut(answer, `"access_token":"`)
		token, _, _ := strings.Cut(rest, `"`)
		called["get /oidc/v1/userinfo"] = true
		s.oauth(t, server, "get /oidc/v1/userinfo", nil, token, 200)
		s.oauth(t, server, "get /oidc/v1/userinfo", nil, "nothing", 401)
		post("post /oidc/v1/userinfo", url.Values{"access_token": {token}}, 200)
		post("post /oidc/v1/userinfo", url.Values{"other": {"x"}}, 401)
		post("post /oauth/v2/introspect", with("token", token), 401) // a machine is no resource server
		if told := post("post /oauth/v2/introspect", with("token", token, "client_id", application.ClientID, "client_secret", application.ClientSecret), 200); !strings.Contains(told, `"active":true`) {
			t.Errorf("the application is told %s", told)
		}
		post("post /oauth/v2/revoke", with("token", token), 200)
		post("post /oauth/v2/token", with("grant_type", "password"), 400)
		for _, operation := range oauthOperations {
			if !called[operation] {
				t.Errorf("%s was not called", operation)
			}
		}
	})
}

// oauth sends a form, or nothing, and asserts that the answer is as described.
func (s *schemas) oauth(t *testing.T, server *servertest.Server, operation string, form url.Values, token string, status int) string {
	t.Helper()
	verb, path, _ := strings.Cut(operation, " ")
	o, ok := s.Paths[path][verb]
	if !ok {
		t.Fatalf("%s is not in the document", operation)
	}
	request, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(verb), server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := server.HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("%s: HTTP %d, want %d: %s, %v", operation, response.StatusCode, status, answer, err)
	}
	place := pointer("components", "responses", "OAuthError", "content", "application/json", "schema")
	if described, ok := o.Responses[strconv.Itoa(status)]; ok {
		if len(described.Content) == 0 {
			return string(answer)
		}
		place = pointer("paths", path, verb, "responses", strconv.Itoa(status), "content", "application/json", "schema")
	}
	if err := s.check(t, place, answer); err != nil {
		t.Errorf("%s: the answer %s: %v", operation, answer, err)
	}
	return string(answer)
}
