package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// The codes of errors (RFC 6749, 4.1.2.1 and 5.2; RFC 6750, 3.1; RFC 8693,
// 2.2.2).
const (
	invalidRequest         = string(oidc.InvalidRequest)
	invalidClient          = string(oidc.InvalidClient)
	invalidGrant           = string(oidc.InvalidGrant)
	invalidScope           = string(oidc.InvalidScope)
	invalidTarget          = string(oidc.InvalidTarget)
	unauthorizedClient     = string(oidc.UnauthorizedClient)
	unsupportedGrantType   = string(oidc.UnsupportedGrantType)
	serverError            = string(oidc.ServerError)
	temporarilyUnavailable = "temporarily_unavailable"
	invalidToken           = "invalid_token"
	insufficientScope      = "insufficient_scope"
)

// refusal is an error of the caller, with a code of RFC 6749, 5.2.
type refusal struct {
	// status is that of HTTP: 400 when 0.
	status      int
	code        string
	description string
	// challenge is the value of WWW-Authenticate; empty for none.
	challenge string
}

// Error returns the description.
func (r *refusal) Error() string { return r.description }

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

// refuse answers with an error: of the caller, or of the server.
func (e *endpoints) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		e.fail(w, r, err)
		return
	}
	if refused.challenge != "" {
		w.Header().Set("WWW-Authenticate", refused.challenge)
	}
	refuse(w, cmp.Or(refused.status, http.StatusBadRequest), refused.code, refused.description)
}

func refuse(w http.ResponseWriter, status int, code string, description string) {
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
