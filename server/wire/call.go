package wire

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/server/caller"
)

// call is what is known of a request on its way through the wire. One goroutine
// at a time writes it.
type call struct {
	start    time.Time
	protocol protocol
	// method is the path of the procedure, or the name of another endpoint; it
	// never holds what a caller typed.
	method string
	// instance is the id of the instance that the host names.
	instance string
	// organization is the one that the request chose; empty if none.
	organization string
	// pageToken says where the page of a list begins; empty for the first.
	pageToken string
	// consistency is how the call stands to changes.
	consistency caller.Consistency
	// position is the one that the call came with.
	position caller.Position
	// rest is what was taken off a REST request; nil on other protocols.
	rest *restRequest
	// answer is where the call is answered.
	answer *answer
	// decoded tells that the request message reached the interceptors: what
	// fails before was made by the handler's library and is not worded by us.
	decoded bool
	// done tells that the method returned a response.
	done bool
	// status is the HTTP status of a request that is no call to a method.
	status int
	// failure is what the call failed with; the first one stands.
	failure *failure
}

type callKey struct{}

// callOf returns the call of the context; a stranger's if there is none.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return new(call)
}

// fail sets the failure of the call unless it has one.
func (c *call) fail(f *failure) {
	if c.failure == nil {
		c.failure = f
	}
}

// code returns what the log calls the outcome.
func (c *call) code() string {
	switch {
	case c.failure != nil:
		return c.failure.code.String()
	case c.status != 0:
		return strconv.Itoa(c.status)
	default:
		return "ok"
	}
}

// line writes the one log line of a call. It has no tokens, no bodies, no
// paths and no query strings.
func (w *Wire) line(ctx context.Context, c *call) {
	level, message := slog.LevelDebug, "call"
	var cause error
	if c.failure != nil {
		level, message, cause = c.failure.level(), "call failed", c.failure.cause
	}
	if !w.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", c.method),
		slog.String("protocol", c.protocol.name),
		slog.String("code", c.code()),
		slog.Duration("duration", time.Since(c.start)),
		slog.String("instance", c.instance),
	}
	if cause != nil {
		attrs = append(attrs, slog.Any("cause", cause))
	}
	w.log.LogAttrs(ctx, level, message, attrs...)
}

// level returns how loud a failure is: what callers do wrong is theirs to fix,
// what is ours must be seen.
func (f *failure) level() slog.Level {
	switch f.code {
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return slog.LevelError
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
