package oauth

import (
	"net/http"
	"net/url"

	"github.com/bastide-id/bastide/server/token"
)

// ClientOf returns who authenticates with a request to any of the endpoints.
func ClientOf(o Options, r *http.Request, form url.Values) (token.Client, error) {
	e := &endpoints{store: o.Store, tokens: o.Tokens, log: o.Log}
	return e.client(r.Context(), tokenRequest{http: r, form: form})
}
