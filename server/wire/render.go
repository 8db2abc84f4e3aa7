package wire

import (
	"fmt"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bastide-id/bastide/server/fault"
)

// render answers a call with its failure, in the form of its protocol.
func (w *Wire) render(a *answer, r *http.Request) {
	c, f := a.call, a.call.failure
	h := a.ResponseWriter.Header()
	allow := h.Values("Allow")
	emptied(h)
	noStore(h)
	c.tell(h)
	if f.status == http.StatusMethodNotAllowed && len(allow) > 0 {
		h["Allow"] = allow
	}
	if c.protocol.form == formREST {
		writeREST(a.ResponseWriter, f)
		return
	}
	if f.id == fault.CompressionUnknown.With("").ID() {
		h.Set("Accept-Encoding", encodingGzip)
		h.Set("Grpc-Accept-Encoding", encodingGzip)
	}
	out := http.ResponseWriter(a.ResponseWriter)
	if c.protocol.form == formConnect {
		challenge(h, f)
		out = &statusWriter{ResponseWriter: out, status: f.httpStatus()}
	}
	// The writer finds the protocol by the content type, which must be one that
	// it knows: what makes a call fail may be its codec.
	r.Header["Content-Type"] = []string{c.protocol.contentType}
	r.Header.Del("Connect-Protocol-Version")
	if c.protocol.text {
		out = &statusWriter{ResponseWriter: out, status: http.StatusOK, before: a.asText}
	}
	_ = w.errors.Write(out, r, f.connectError())
}

// writePlain answers with the failure of a request outside the RPC protocols.
func writePlain(w http.ResponseWriter, c *call) {
	allow := w.Header().Values("Allow")
	emptied(w.Header())
	noStore(w.Header())
	if c.failure.status == http.StatusMethodNotAllowed && len(allow) > 0 {
		w.Header()["Allow"] = allow
	}
	c.tell(w.Header())
	if c.protocol.form == formOAuth {
		writeOAuth(w, c.failure)
		return
	}
	writeREST(w, c.failure)
}

// writeREST answers with the failure as JSON.
func writeREST(w http.ResponseWriter, f *failure) {
	body, err := protojson.Marshal(&status.Status{
		Code:    int32(f.code),
		Message: f.message,
		Details: f.anyDetails(),
	})
	if err != nil {
		// Nothing that a failure holds fails to marshal; the code still counts.
		body = []byte(`{"code":13,"message":"internal error"}`)
	}
	challenge(w.Header(), f)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.httpStatus())
	_, _ = w.Write(body)
}

// writeOAuth answers with the failure as clients of OAuth 2.0 read it (RFC 6749,
// 5.2 and 4.1.2.1).
func writeOAuth(w http.ResponseWriter, f *failure) {
	code := "invalid_request"
	switch f.code {
	case connect.CodeInternal, connect.CodeUnknown:
		code = "server_error"
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeCanceled:
		code = "temporarily_unavailable"
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(f.httpStatus())
	_, _ = fmt.Fprintf(w, `{"error":"%s","error_description":"%s"}`, code, strings.Map(described, f.message))
}

// described returns a character as a description can have it, which is no more
// than what JSON takes as it is.
func described(c rune) rune {
	switch {
	case c == '"', c == '\\':
		return '\''
	case c < ' ' || c > '~':
		return '?'
	default:
		return c
	}
}

// challenge asks for a token where the HTTP status says that one is missing.
func challenge(h http.Header, f *failure) {
	if f.code == connect.CodeUnauthenticated {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

// noStore keeps answers out of every cache.
func noStore(h http.Header) { h.Set("Cache-Control", "no-store") }

// statuses are the HTTP statuses of the codes.
var statuses = map[connect.Code]int{
	connect.CodeCanceled:           499,
	connect.CodeInvalidArgument:    http.StatusBadRequest,
	connect.CodeDeadlineExceeded:   http.StatusGatewayTimeout,
	connect.CodeNotFound:           http.StatusNotFound,
	connect.CodeAlreadyExists:      http.StatusConflict,
	connect.CodePermissionDenied:   http.StatusForbidden,
	connect.CodeResourceExhausted:  http.StatusTooManyRequests,
	connect.CodeFailedPrecondition: http.StatusBadRequest,
	connect.CodeAborted:            http.StatusConflict,
	connect.CodeOutOfRange:         http.StatusBadRequest,
	connect.CodeUnimplemented:      http.StatusNotImplemented,
	connect.CodeUnavailable:        http.StatusServiceUnavailable,
	connect.CodeUnauthenticated:    http.StatusUnauthorized,
}

// HTTPStatus returns the status that a call over REST or Connect answers with
// when it fails with the fault.
func HTTPStatus(f *fault.Fault) int { return failureOfFault(f).httpStatus() }

// httpStatus returns the HTTP status of the failure.
func (f *failure) httpStatus() int {
	if f.status != 0 {
		return f.status
	}
	if s, ok := statuses[f.code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// statusWriter sends a status of its own.
type statusWriter struct {
	http.ResponseWriter
	status int
	before func()
}

// WriteHeader sends the writer's own status.
func (s *statusWriter) WriteHeader(int) {
	if s.before != nil {
		s.before()
	}
	s.ResponseWriter.WriteHeader(s.status)
}
