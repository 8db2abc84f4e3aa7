// Package oauth answers the endpoints of OAuth 2.0 and OpenID Connect:
// discovery, the public keys, and the token endpoint with the JWT profile
// grant (RFC 7523).
package oauth

import (
	"log/slog"
	"net/http"

	"github.com/bastide-id/bastide/server/token"
)

// The paths of the endpoints, below the URL of an instance.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/oauth/v2/keys"
	TokenPath     = token.EndpointPath
)

// endpoints answers for every instance.
type endpoints struct {
	tokens *token.Tokens
	log    *slog.Logger
}

// New returns a handler of the endpoints. A request's context names the
// instance, and its origin, which is the issuer. Failures of the server are
// logged to log, slog.Default if nil; the caller never sees their cause.
func New(tokens *token.Tokens, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	e := &endpoints{tokens: tokens, log: log}
	mux := http.NewServeMux()
	mux.Handle(DiscoveryPath, only(http.MethodGet, e.discover))
	mux.Handle(KeysPath, only(http.MethodGet, e.keys))
	mux.Handle(TokenPath, only(http.MethodPost, e.token))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, invalidRequest, "there is no such endpoint")
	})
	return mux
}

// only lets one verb pass; HEAD goes where GET does.
func only(verb string, handle http.HandlerFunc) http.Handler {
	allowed := verb
	if verb == http.MethodGet {
		allowed += ", " + http.MethodHead
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != verb && (verb != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", allowed)
			refuse(w, http.StatusMethodNotAllowed, invalidRequest, "the method must be one of: "+allowed)
			return
		}
		handle(w, r)
	})
}
