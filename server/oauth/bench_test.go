//go:build unix

package oauth_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest/postgres"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// What a token costs by the JWT profile beside sockets, next to a handler that
// only reads the form and verifies the assertion.
func BenchmarkToken(b *testing.B) {
	server, err := postgres.Shared(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	url, err := server.Create(b.Context(), "bench_token")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Drop(context.Background(), "bench_token"); err != nil {
			b.Error(err)
		}
	})
	b.Run("sqlite", func(b *testing.B) { benchmarkToken(b, tokentest.SQLite(b, nil)) })
	b.Run("postgres", func(b *testing.B) { benchmarkToken(b, tokentest.Open(b, url, nil)) })
}

func benchmarkToken(b *testing.B, d *tokentest.Directory) {
	ctx, o := d.Instance(b, origin)
	u := d.Machine(b, ctx, o)
	key := d.MachineKey(b, ctx, u, 0)
	body := url.Values{
		"grant_type": {bearer}, "scope": {token.ScopeAPI},
		"assertion": {tokentest.Sign(b, jose.RS256, key.Private, key.ID, tokentest.SelfSigned(u.UserID, origin, d.Clock.Now()))},
	}.Encode()
	for name, handler := range map[string]http.Handler{
		"bare": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(text))
			parsed, err := jwt.ParseSigned(form.Get("assertion"), []jose.SignatureAlgorithm{jose.RS256})
			if err != nil || parsed.Claims(key.Private.Public(), &jwt.Claims{}) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"bastide_at_000000000000000000000000000000000000","token_type":"Bearer","expires_in":43199}`)
		}),
		"issue": oauth.New(oauth.Options{Store: d.Store, Tokens: d.Tokens, Log: slog.New(slog.DiscardHandler)}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := processorTime()
			for b.Loop() {
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, oauth.TokenPath, strings.NewReader(body))
				r.Header.Set("Content-Type", form)
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime returns the nanoseconds of processor that the process has used.
func processorTime() int64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
