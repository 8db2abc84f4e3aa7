package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// What resource servers pay for each request that they serve, beside HTTP.
func BenchmarkLookAt(b *testing.B) {
	s := newScene(b, tokentest.SQLite(b, nil))
	handler := oauth.New(oauth.Options{Store: s.Store, Tokens: s.Tokens})
	text := s.issue(b, s.user, "openid profile")
	body := url.Values{"token": {text}}.Encode()
	for name, make := range map[string]func() *http.Request{
		"introspection": func() *http.Request {
			r := httptest.NewRequest("POST", oauth.IntrospectionPath, strings.NewReader(body))
			r.Header.Set("Content-Type", form)
			r.SetBasicAuth(s.server.ClientID, s.server.secret)
			return r
		},
		"userinfo": func() *http.Request {
			r := httptest.NewRequest("GET", oauth.UserinfoPath, nil)
			r.Header.Set("Authorization", "Bearer "+text)
			return r
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, make().WithContext(s.ctx)); w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
