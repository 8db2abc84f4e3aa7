package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// The codes of errors (RFC 6749, 5.2, and for the last two 4.1.2.1).
const (
	invalidRequest         = "invalid_request"
	invalidGrant           = "invalid_grant"
	invalidScope           = "invalid_scope"
	unsupportedGrantType   = "unsupported_grant_type"
	serverError            = "server_error"
	temporarilyUnavailable = "temporarily_unavailable"
)

// answer writes a JSON body that nobody may keep (RFC 6749, 5.1).
func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // does not happen: all bodies are of this package
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone misses nothing
}

// refuse answers with an error of the caller.
func refuse(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}

// fail answers with an error of the server. What is not known is logged, once,
// and hidden. The context counts before the error: what a database answers that
// was interrupted does not say why.
func (e *endpoints) fail(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	err = store.Fault(err)
	var known *fault.Fault
	// A connection that times out with the request cancels it.
	deadline, has := ctx.Deadline()
	late := has && !time.Now().Before(deadline)
	switch {
	case late, errors.Is(err, fault.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		e.log.WarnContext(ctx, "a token request took too long", "error", err)
		refuse(w, http.StatusGatewayTimeout, temporarilyUnavailable, fault.DeadlinePassed.With().Message())
	case ctx.Err() != nil:
		// The caller is gone: there is nothing to log, and nobody to tell.
		refuse(w, http.StatusServiceUnavailable, temporarilyUnavailable, fault.CallerGone.With().Message())
	case errors.As(err, &known) && known.Kind() == fault.Unavailable:
		e.log.WarnContext(ctx, "a token request failed", "id", known.ID(), "error", errors.Unwrap(known))
		refuse(w, http.StatusServiceUnavailable, temporarilyUnavailable, known.Message())
	default:
		e.log.ErrorContext(ctx, "a token request failed", "error", err)
		refuse(w, http.StatusInternalServerError, serverError, "internal error")
	}
}
