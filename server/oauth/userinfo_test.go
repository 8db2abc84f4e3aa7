package oauth_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const (
	ownerScope    = "urn:zitadel:iam:user:resourceowner"
	metadataScope = "urn:zitadel:iam:user:metadata"
)

// Each scope has its claims (OpenID Connect Core 1.0, 5.4), which introspection
// tells as well.
func TestUserinfoClaims(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		anna := s.newHuman(t, s.home)
		s.setMetadata(t, anna, metadata.Value{Key: "colour", Value: []byte("blue??>")})
		home := map[string]any{
			ownerScope + ":id": s.home.OrganizationID, ownerScope + ":name": s.home.Name, ownerScope + ":primary_domain": "home.test",
		}
		confined := map[string]any{"urn:zitadel:iam:org:id": s.home.OrganizationID}
		for name, value := range home {
			confined[name] = value
		}
		profile := map[string]any{
			"name": "Anna Müller", "given_name": "Anna", "family_name": "Müller", "nickname": "Änni", "gender": "diverse",
			"locale": "de-CH", "preferred_username": "anna@home.test", "updated_at": anna.ChangedAt.Unix(),
		}
		for scope, want := range map[string]map[string]any{
			"":            {},
			"profile":     profile,
			"email":       {"email": "anna@example.com", "email_verified": true},
			"phone":       {"phone_number": "+41791234567", "phone_number_verified": false},
			ownerScope:    home,
			metadataScope: {metadataScope: map[string]string{"colour": base64.RawURLEncoding.EncodeToString([]byte("blue??>"))}},
			"urn:zitadel:iam:org:id:" + s.home.OrganizationID: confined,
			"address offline_access":                          {},
		} {
			want["sub"] = "anna"
			text := s.issue(t, anna, "openid "+scope)
			if scope == metadataScope { // of this moment, not of the token's
				s.setMetadata(t, anna, metadata.Value{Key: "shape", Value: []byte("round")})
				want[metadataScope].(map[string]string)["shape"] = "cm91bmQ"
			}
			s.userinfo(t, text).check(t, want)
			seen := s.lookAt(t, s.server, text).claims
			for name := range want {
				if seen[name] == nil {
					t.Errorf("introspection does not tell %s", name)
				}
			}
			if _, named := seen["username"]; named != (scope == "profile") {
				t.Errorf("%s: the username is %v", scope, seen["username"])
			}
		}
	})
}

// A machine has a name, and no address.
func TestUserinfoMachine(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		s.userinfo(t, s.issue(t, s.user, "openid profile email phone")).check(t, map[string]any{
			"sub": s.user.UserID, "preferred_username": s.user.UserName, "updated_at": s.user.ChangedAt.Unix(),
		})
		if got := s.userinfo(t, s.PersonalAccessToken(t, s.ctx, s.user, 0).Token); len(got.claims) != 1 || got.claims["sub"] != s.user.UserID {
			t.Errorf("%d %s", got.status, got.text)
		}
		if err := d.Tokens.Close(); err != nil {
			t.Fatal(err)
		}
		if used := d.Store.Read().PersonalAccessToken.Query().Where(personalaccesstoken.LastUsedAtNotNil()).ExistX(s.ctx); !used {
			t.Error("the personal access token was not noted as used")
		}
	})
}

// The claim of metadata does not grow without limit.
func TestUserinfoMuchMetadata(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		values := []metadata.Value{
			{Key: "0", Value: []byte(strings.Repeat("x", 4097))},
			{Key: "00", Value: []byte(strings.Repeat("x", 4096))},
		}
		for i := range 120 {
			values = append(values, metadata.Value{Key: fmt.Sprintf("k%03d", i), Value: []byte("v")})
		}
		s.setMetadata(t, s.user, values...)
		claim := func() map[string]any {
			got, _ := s.userinfo(t, s.issue(t, s.user, "openid "+metadataScope)).claims[metadataScope].(map[string]any)
			return got
		}
		if got := claim(); len(got) != 100 || got["0"] != nil || got["00"] == nil || got["k098"] == nil {
			t.Errorf("there are %d entries", len(got))
		}
		for i := range values[2:] {
			values[i+2].Value = []byte(strings.Repeat("v", 4000))
		}
		s.setMetadata(t, s.user, values[2:]...)
		if got := claim(); len(got) != 12 {
			t.Errorf("there are %d entries", len(got))
		}
	})
}

// A token is sent in the header or in the body, once (RFC 6750, 2).
func TestUserinfoToken(t *testing.T) {
	s := newScene(t, tokentest.SQLite(t, nil))
	text := s.issue(t, s.user, "openid")
	body := url.Values{"access_token": {text}}.Encode()
	header := func(values ...string) http.Header { return http.Header{"Authorization": values} }
	withForm := func(h http.Header) http.Header {
		h["Content-Type"] = []string{form}
		return h
	}
	const none, invalid = `Bearer scope="openid"`, `Bearer error="invalid_request"`
	for name, c := range map[string]struct {
		verb, query, body string
		header            http.Header
		status            int
		challenge         string
	}{
		"GET":                   {"GET", "", "", header("Bearer " + text), 200, ""},
		"HEAD":                  {"HEAD", "", "", header("Bearer " + text), 200, ""},
		"POST":                  {"POST", "", "", header("Bearer " + text), 200, ""},
		"POST with a form":      {"POST", "", "x=y", withForm(header("Bearer " + text)), 200, ""},
		"POST with JSON":        {"POST", "", "{}", http.Header{"Authorization": {"Bearer " + text}, "Content-Type": {"application/json"}}, 200, ""},
		"lower case":            {"GET", "", "", header("bearer " + text), 200, ""},
		"upper case":            {"GET", "", "", header("BEARER  " + text), 200, ""},
		"in the body":           {"POST", "", body, withForm(http.Header{}), 200, ""},
		"beside another scheme": {"POST", "", body, withForm(header("Basic eDp5")), 200, ""},
		"none":                  {"GET", "", "", nil, 401, none},
		"none in a form":        {"POST", "", "", withForm(http.Header{}), 401, none},
		"an empty one":          {"GET", "", "", header("Bearer "), 401, none},
		"no space":              {"GET", "", "", header("Bearer"), 401, none},
		"another scheme":        {"GET", "", "", header("Basic " + text), 401, none},
		"in the address":        {"GET", "?" + body, "", nil, 400, invalid},
		"also in the address":   {"GET", "?" + body, "", header("Bearer " + text), 400, invalid},
		"in header and body":    {"POST", "", body, withForm(header("Bearer " + text)), 400, invalid},
		"two headers":           {"GET", "", "", header("Bearer "+text, "Bearer "+text), 400, invalid},
		"twice in the body":     {"POST", "", body + "&" + body, withForm(http.Header{}), 400, invalid},
		"in the body of GET":    {"GET", "", body, withForm(http.Header{}), 401, none},
		"body of another type":  {"POST", "", body, http.Header{"Content-Type": {"text/plain"}}, 401, none},
		"too large":             {"POST", "", strings.Repeat("x", 65<<10), withForm(http.Header{}), 400, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.send(t, c.verb, oauth.UserinfoPath+c.query, c.body, c.header)
			if got.status != c.status || got.header.Get("WWW-Authenticate") != c.challenge {
				t.Errorf("%d %q %s", got.status, got.header.Get("WWW-Authenticate"), got.text)
			}
			if c.status == 401 && got.text != "{}" || c.status == 400 && got.claims["error"] != "invalid_request" {
				t.Error(got.text)
			}
		})
	}
	for _, verb := range []string{"PUT", "PATCH", "DELETE", "OPTIONS"} {
		got := s.send(t, verb, oauth.UserinfoPath, "", header("Bearer "+text))
		if got.status != 405 || got.header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d %q", verb, got.status, got.header.Get("Allow"))
		}
	}
	if strings.Contains(s.log.String(), text) {
		t.Error("the token is in the log")
	}
}

// A token that is not good enough is refused as RFC 6750, 3.1, has it.
func TestUserinfoRefused(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		s := newScene(t, d)
		const invalid, scope = `Bearer error="invalid_token"`, `Bearer error="insufficient_scope", scope="openid"`
		check := func(name, text string, status int, challenge string) {
			t.Helper()
			got := s.userinfo(t, text)
			if got.status != status || got.header.Get("WWW-Authenticate") != challenge || got.claims["sub"] != nil {
				t.Errorf("%s: %d %q %s", name, got.status, got.header.Get("WWW-Authenticate"), got.text)
			}
		}
		text := s.issue(t, s.user, "openid")
		check("cut short", text[:len(text)-1], 401, invalid)
		check("unknown", "x", 401, invalid)
		check("no openid", s.issue(t, s.user, "profile "+token.ScopeAPI), 403, scope)
		check("an application itself", s.issueAs(t, s.server.asClient(), nil, "openid"), 403, scope)
		ctx, o := d.Instance(t, "http://else.localhost")
		check("another instance", d.AccessToken(t, ctx, d.Machine(t, ctx, o), "openid"), 401, invalid)
		s.SetUserState(t, s.ctx, s.user, user.StateInactive)
		check("a deactivated user", text, 401, invalid)
		check("a personal access token of one", d.PersonalAccessToken(t, s.ctx, s.user, 0).Token, 401, invalid)
		s.SetUserState(t, s.ctx, s.user, user.StateActive)
		s.SetOrganizationState(t, s.ctx, s.home, organization.StateInactive)
		check("a deactivated organization", text, 401, invalid)
		s.SetOrganizationState(t, s.ctx, s.home, organization.StateActive)
		got := s.issueAs(t, s.newClient(t, s.project, application.OIDC{}).asClient(), s.user, "openid")
		if answer := s.userinfo(t, got); answer.status != 200 {
			t.Errorf("with a client: %d %s", answer.status, answer.text)
		}
		s.deactivateProject(t, s.project)
		check("a deactivated project of the client", got, 401, invalid)
		d.Clock.Advance(token.Lifetime)
		check("expired", text, 401, invalid)
	})
}
