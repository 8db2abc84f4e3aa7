package wire

import (
	"net/http"
	"slices"
	"strings"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"
)

// preflightMethod is what the log calls a question of a browser whether a page
// may call.
const preflightMethod = "preflight"

// preflightSeconds is how long a browser may remember the answer to a preflight;
// none remembers it for longer than some hours.
const preflightSeconds = 2 * 60 * 60

// crossOriginVerbs are those of the contract, and of the endpoints of OAuth.
var crossOriginVerbs = append(connectcors.AllowedMethods(), http.MethodHead, http.MethodPut, http.MethodDelete)

// crossOriginHeaders are what a page may send beside what browsers allow anyway.
var crossOriginHeaders = append(connectcors.AllowedHeaders(),
	"Accept", "Accept-Language", "Authorization", "Content-Encoding", "Grpc-Encoding", "Grpc-Accept-Encoding",
	headerOrganization, headerPageToken, headerPosition)

// exposedHeaders are what a page may read of an answer beside what browsers show
// anyway. Retry-After is set by proxies.
var exposedHeaders = append(connectcors.ExposedHeaders(),
	"Allow", "Retry-After", "Www-Authenticate", headerNextPageToken, headerPosition)

// newCORS returns what lets pages of other origins call (Fetch, 3.3); nil if none
// may. Callers send their token with each call and never a cookie, so no page
// gets to use what the browser holds: credentials are not allowed.
func newCORS(origins Origins) *cors.Cors {
	if origins.none() {
		return nil
	}
	options := cors.Options{
		AllowedMethods: crossOriginVerbs,
		AllowedHeaders: crossOriginHeaders,
		ExposedHeaders: exposedHeaders,
		MaxAge:         preflightSeconds,
	}
	if origins.every {
		options.AllowedOrigins = []string{EveryOrigin}
	} else {
		options.AllowOriginVaryRequestFunc = func(r *http.Request, from string) (bool, []string) {
			return len(r.Header["Origin"]) == 1 && origins.allow(from), nil
		}
	}
	return cors.New(options)
}

// isPreflight reports whether a browser asks on behalf of a page.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// crossesOrigins reports whether pages of other origins may call the path: what
// is served here, and of the public handler what is listed. An authorization
// endpoint must not be (RFC 9700, 2.6).
func (rt *router) crossesOrigins(path string) bool {
	return rt.cors != nil && (publicPrefix(path) == "" || slices.Contains(rt.wire.config.CrossOriginPaths, path))
}

// emptied removes everything from the header of an answer but what tells a
// browser which pages may read it: a page has to be shown failures too.
func emptied(h http.Header) {
	for name := range h {
		if name != "Vary" && !strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
}
