package wire

import (
	"cmp"
	"net/http"
	"strings"
)

// answer is the response of a call to a method. It lets through only what the
// method returned. Whatever else the libraries below write, each in its own
// words, is held back, and the failure of the call is rendered in its place.
type answer struct {
	http.ResponseWriter
	call *call
	// text encodes gRPC-Web as base64; nil on other protocols.
	text *textWriter
	// status is that of a success if it is not 200: the libraries below know
	// no other.
	status int
	// committed tells that the header has left.
	committed bool
	// refused is the status of the first thing held back, 0 if none.
	refused int
	// held is the beginning of what was held back.
	held []byte
}

// maxHeld bounds what is kept of an answer that is held back.
const maxHeld = 64 << 10

// WriteHeader lets the header of a success through.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.committed || status < http.StatusOK:
	case !a.call.done || status != http.StatusOK || a.refused != 0:
		if a.refused == 0 {
			a.refused = status
		}
	default:
		a.commit()
	}
}

// Write lets the body of a success through.
func (a *answer) Write(data []byte) (int, error) {
	if !a.committed {
		a.WriteHeader(a.statusOf(data))
	}
	if !a.committed {
		a.held = append(a.held, data[:min(len(data), maxHeld-len(a.held))]...)
		return len(data), nil
	}
	if a.text != nil {
		return a.text.Write(data)
	}
	return a.ResponseWriter.Write(data)
}

// statusOf returns the status of a response whose first bytes come without one. A
// response of gRPC-Web that begins with its trailers has no message: it failed.
func (a *answer) statusOf(data []byte) int {
	if a.call.protocol.form == formEnveloped && len(data) > 0 && data[0]&flagTrailers != 0 {
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// Flush sends what was let through.
func (a *answer) Flush() {
	if a.committed && a.text == nil {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

func (a *answer) commit() {
	a.committed = true
	a.asText()
	a.call.tell(a.Header())
	if a.call.protocol.text {
		a.text = newTextWriter(a.ResponseWriter)
	}
	a.ResponseWriter.WriteHeader(cmp.Or(a.status, http.StatusOK))
}

// asText says in the header that gRPC-Web is base64, if it is.
func (a *answer) asText() {
	h := a.Header()
	if codec, ok := strings.CutPrefix(h.Get("Content-Type"), typeGRPCWeb); ok && a.call.protocol.text {
		h.Set("Content-Type", typeGRPCWebText+codec)
		h.Del("Content-Length")
	}
}

// finish ends the answer: with what the method returned if all of it went
// through, else with the failure of the call.
func (a *answer) finish(w *Wire, r *http.Request) {
	c := a.call
	if c.failure == nil && !a.succeeded() {
		// The method returned a response that the libraries could not write.
		c.fail(internal(unwritten{a.reason()}))
	}
	if c.failure == nil {
		if a.text != nil {
			_ = a.text.Close()
		}
		if !a.committed { // an empty message
			c.tell(a.Header())
		}
		return
	}
	if a.committed {
		// Half an answer has left; only cutting the connection tells so.
		panic(http.ErrAbortHandler)
	}
	w.render(a, r)
}

// succeeded reports whether a response went out whole. An empty message of
// Connect is no byte at all; a gRPC response has at least its prefix.
func (a *answer) succeeded() bool {
	return a.call.done && a.refused == 0 && (a.committed || a.call.protocol.form == formConnect)
}

// reason returns what the libraries said.
func (a *answer) reason() string {
	if len(a.held) > 0 {
		return shorten(string(a.held))
	}
	h := a.Header()
	return shorten(h.Get("Grpc-Message") + h.Get(http.TrailerPrefix+"Grpc-Message"))
}

// unwritten is a response that could not be written, in a library's words.
type unwritten struct{ reason string }

// Error returns the words of the library.
func (u unwritten) Error() string { return "the response could not be written: " + u.reason }
