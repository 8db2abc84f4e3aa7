// Package oauth answers the endpoints of OAuth 2.0 and OpenID Connect:
// discovery (RFC 8414), the public keys, the token endpoint with the grants of
// machines (RFC 6749, 7523, 8693), introspection (RFC 7662), revocation
// (RFC 7009) and userinfo.
package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// The paths of the endpoints, below the URL of an instance.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	// The same document by the name of RFC 8414, 3.
	MetadataPath = "/.well-known/oauth-authorization-server"
	KeysPath     = "/oauth/v2/keys"
	TokenPath    = token.EndpointPath
	// Who looks at a token authenticates as an application.
	IntrospectionPath = "/oauth/v2/introspect"
	RevocationPath    = "/oauth/v2/revoke"
	UserinfoPath      = "/oidc/v1/userinfo"
)

// CrossOriginPaths are the endpoints that programs in a browser call themselves.
// One that shows a page to people, or sends them elsewhere, does not belong here
// (RFC 9700, 2.6).
var CrossOriginPaths = []string{DiscoveryPath, MetadataPath, KeysPath, TokenPath, IntrospectionPath, RevocationPath, UserinfoPath}

// Options are what the endpoints work with.
type Options struct {
	Store  *store.Store
	Tokens *token.Tokens
	// Log gets the failures of the server, whose cause the caller never sees;
	// slog.Default if nil.
	Log *slog.Logger
}

// endpoints answers for every instance.
type endpoints struct {
	store   *store.Store
	tokens  *token.Tokens
	claims  *claimReader
	log     *slog.Logger
	byGrant map[oidc.GrantType]func(context.Context, tokenRequest) (tokenAnswer, error)
}

// New returns a handler of the endpoints. A request's context names the
// instance, and its origin, which is the issuer.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e := &endpoints{store: o.Store, tokens: o.Tokens, claims: newClaimReader(o.Store), log: o.Log}
	e.byGrant = e.grants()
	mux := http.NewServeMux()
	mux.Handle(DiscoveryPath, only(http.MethodGet, e.discover))
	mux.Handle(MetadataPath, only(http.MethodGet, e.discover))
	mux.Handle(KeysPath, only(http.MethodGet, e.keys))
	mux.Handle(TokenPath, only(http.MethodPost, e.token))
	mux.Handle(IntrospectionPath, only(http.MethodPost, e.introspect))
	mux.Handle(RevocationPath, only(http.MethodPost, e.revoke))
	mux.HandleFunc(UserinfoPath, e.userinfo)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, invalidRequest, "there is no such endpoint")
	})
	return mux
}

// only lets one verb pass; HEAD goes where GET does.
func only(verb string, handle http.HandlerFunc) http.Handler {
	allowed := []string{verb}
	if verb == http.MethodGet {
		allowed = append(allowed, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, r.Method) {
			refuseVerb(w, allowed...)
			return
		}
		handle(w, r)
	})
}

// refuseVerb answers a request whose verb is none of those allowed.
func refuseVerb(w http.ResponseWriter, allowed ...string) {
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	refuse(w, http.StatusMethodNotAllowed, invalidRequest, "the method must be one of: "+list)
}
