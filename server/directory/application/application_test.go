package application_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
)

// What can never be a redirect URI is refused, all else is the client's affair.
func TestRedirectURIs(t *testing.T) {
	for uri, good := range map[string]bool{
		"https://app.example.com/callback":  true,
		"https://app.example.com?a=b":       true,
		"https://*.example.com/**":          true,
		"http://localhost:*/callback":       true,
		"http://[::1]:3000":                 true,
		"com.example.app:/callback":         true,
		"com.example.app://callback":        true,
		"myapp:x":                           true,
		"HTTPS://APP.EXAMPLE.COM":           true,
		"https://straße.example/ü":          true,
		"":                                  false,
		"/callback":                         false,
		"app.example.com":                   false,
		"//app.example.com":                 false,
		"https:":                            false,
		"https://":                          false,
		"https:/callback":                   false,
		"https:///callback":                 false,
		"https://app.example.com/#fragment": false,
		"https://app.example.com/a b":       false,
		" https://app.example.com":          false,
		"https://app.example.com/\n":        false,
		"https://app.example.com/\u200b":    false,
		"javascript:alert(1)":               false,
		"JavaScript:alert(1)":               false,
		"data:text/html,x":                  false,
		"file:///etc/passwd":                false,
		"1app:/x":                           false,
	} {
		for field, c := range map[string]application.OIDC{
			"redirect_uris[1]":             {RedirectURIs: []string{"https://a.example", uri}},
			"post_logout_redirect_uris[0]": {PostLogoutRedirectURIs: []string{uri}},
		} {
			err := c.CheckURIs()
			if good != (err == nil) {
				t.Errorf("%s %q: %v", field, uri, err)
			}
			if !good && (!errors.Is(err, fault.RedirectURIInvalid.With()) || !strings.HasPrefix(err.Error(), field)) {
				t.Errorf("%s %q: %v", field, uri, err)
			}
		}
	}
}

func TestOtherURIs(t *testing.T) {
	origin := func(text string) application.OIDC { return application.OIDC{AdditionalOrigins: []string{text}} }
	logout := func(text string) application.OIDC { return application.OIDC{BackChannelLogoutURI: text} }
	login := func(text string) application.OIDC {
		return application.OIDC{Login: &application.Login{Version: 2, BaseURI: &text}}
	}
	for name, test := range map[string]struct {
		of   func(string) application.OIDC
		good []string
		bad  []string
	}{
		"origin": {
			origin, []string{"https://a.example", "http://a.example:8080", "HTTPS://A.example", "capacitor://localhost", "http://[::1]:1"},
			[]string{"", "*", "null", "a.example", "https://a.example/", "https://a.example?x", "https://a.example#x", "https://u@a.example", "https:"},
		},
		"logout": {
			logout, []string{"", "https://a.example/x", "http://localhost:3000/", "http://127.0.0.1/", "http://[::1]/"},
			[]string{"http://a.example/", "https://a.example/#x", "ftp://localhost/", "/x", "https://", "http://localhost.a.example/", "javascript:x"},
		},
		"login": {
			login, []string{"", "https://login.example/x", "http://localhost:3000"}, []string{"login", "ftp://a.example", "https://", "https://u:p@a.example", "javascript:x"},
		},
	} {
		for _, text := range test.good {
			if err := test.of(text).CheckURIs(); err != nil {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
		for _, text := range test.bad {
			if err := test.of(text).CheckURIs(); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
	all := application.OIDC{RedirectURIs: []string{"x", "y"}, AdditionalOrigins: []string{"x"}, BackChannelLogoutURI: "x"}
	var f *fault.Fault
	if err := all.CheckURIs(); !errors.As(err, &f) || len(f.Violations()) != 4 {
		t.Errorf("got %v", err)
	}
}

func TestProblems(t *testing.T) {
	const (
		code, implicit, refresh, device = application.GrantAuthorizationCode, application.GrantImplicit, application.GrantRefreshToken, application.GrantDeviceCode
		idToken                         = application.ResponseIDToken
	)
	secure := []string{"https://a.example/callback"}
	for name, test := range map[string]struct {
		of   application.OIDC
		want []string
	}{
		"web":                      {application.OIDC{RedirectURIs: secure}, nil},
		"web, no redirect":         {application.OIDC{}, []string{"oidc.redirect_uris_missing"}},
		"web, http":                {application.OIDC{RedirectURIs: []string{"http://a.example"}}, []string{"oidc.web_redirect_http"}},
		"web, http, development":   {application.OIDC{RedirectURIs: []string{"http://a.example"}, DevMode: true}, nil},
		"web, custom":              {application.OIDC{RedirectURIs: []string{"com.example:/x"}, DevMode: true}, []string{"oidc.web_redirect_custom"}},
		"web, implicit":            {application.OIDC{RedirectURIs: secure, GrantTypes: []int32{implicit}, ResponseTypes: []int32{idToken}}, []string{"oidc.implicit_grant"}},
		"web, token for no grant":  {application.OIDC{RedirectURIs: secure, ResponseTypes: []int32{idToken}}, []string{"oidc.implicit_grant_missing"}},
		"web, code for no grant":   {application.OIDC{RedirectURIs: secure, GrantTypes: []int32{refresh}}, []string{"oidc.code_grant_missing", "oidc.refresh_without_code"}},
		"web, refresh":             {application.OIDC{RedirectURIs: secure, GrantTypes: []int32{refresh, code}}, nil},
		"user agent":               {application.OIDC{RedirectURIs: secure, AppType: application.UserAgent, AuthMethod: application.OIDCNone}, nil},
		"user agent with a secret": {application.OIDC{RedirectURIs: secure, AppType: application.UserAgent}, []string{"oidc.user_agent_auth_method"}},
		"native": {application.OIDC{
			RedirectURIs: []string{"com.example:/x", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]/x", "https://a.example/x"},
			AppType:      application.Native, AuthMethod: application.OIDCNone,
		}, nil},
		"native, http":          {application.OIDC{RedirectURIs: []string{"http://a.example"}, AppType: application.Native, AuthMethod: application.OIDCNone}, []string{"oidc.native_redirect_http"}},
		"native with a secret":  {application.OIDC{RedirectURIs: secure, AppType: application.Native}, []string{"oidc.native_auth_method"}},
		"device without screen": {application.OIDC{GrantTypes: []int32{device, refresh}, AppType: application.Native, AuthMethod: application.OIDCNone}, nil},
	} {
		var got []string
		for _, problem := range test.of.Normal().Problems() {
			got = append(got, problem.Key)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
