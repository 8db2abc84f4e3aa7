package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// router is around everything: it observes and bounds each request, sends it to
// who serves it, and is the last to render an error.
type router struct {
	wire   *Wire
	rest   http.Handler
	open   map[string]http.Handler
	public http.Handler
	probes map[string]http.Handler
	// cors lets pages of other origins call; nil if none may.
	cors *cors.Cors
}

// publicPrefixes are the paths below which the public handler serves.
var publicPrefixes = []string{"/oauth/", "/oidc/", "/.well-known/"}

// publicPrefix returns the one of publicPrefixes that the path is below; empty
// if there is none.
func publicPrefix(path string) string {
	for _, prefix := range publicPrefixes {
		if strings.HasPrefix(path, prefix) {
			return prefix
		}
	}
	return ""
}

// ServeHTTP serves any request.
func (rt *router) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	c := &call{start: time.Now()}
	ctx := caller.WithConsistency(context.WithValue(r.Context(), callKey{}, c), &c.consistency)
	ctx, cancel := context.WithTimeout(ctx, rt.wire.limits.CallTimeout)
	defer cancel()
	defer rt.wire.line(ctx, c)
	r = r.WithContext(ctx)
	path := r.URL.Path
	if rt.crossesOrigins(path) {
		if isPreflight(r) {
			c.method, c.protocol = preflightMethod, plainProtocol
			rt.servePlain(rw, r, c, rt.cors.HandlerFunc)
			return
		}
		rt.cors.HandlerFunc(rw, r)
	}
	if probe := rt.probes[path]; probe != nil {
		c.method, c.protocol = path, plainProtocol
		rt.servePlain(rw, r, c, probe.ServeHTTP)
		return
	}
	if document := rt.wire.config.Documents[path]; document != nil {
		c.method, c.protocol = path, plainProtocol
		rt.serveDocument(rw, r, c, document)
		return
	}
	if prefix := publicPrefix(path); rt.public != nil && prefix != "" {
		c.method, c.protocol = prefix, oauthProtocol
		rt.servePublic(rw, r, c)
		return
	}
	if service, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok && rt.open[service] != nil {
		noStore(rw.Header())
		c.method, c.protocol = "/"+service+"/", plainProtocol
		rt.servePlain(rw, r, c, rt.open[service].ServeHTTP)
		return
	}
	rt.serveAPI(rw, r, c)
}

// serveAPI serves a call to a method, or what was meant for one.
func (rt *router) serveAPI(rw http.ResponseWriter, r *http.Request, c *call) {
	a := &answer{ResponseWriter: rw, call: c}
	c.answer = a
	noStore(rw.Header())
	bound(rw, r)
	rt.protect(c, func() { rt.dispatch(a, r, c) })
	if c.failure != nil && !mayStream(c) {
		drain(r)
	}
	a.finish(rt.wire, r)
}

// mayStream reports whether the body of a call may have no end before it is
// answered: nobody knows the method, and it is called by gRPC.
func mayStream(c *call) bool { return c.method == "" && c.protocol.form == formEnveloped }

// dispatch finds the protocol of a call and who serves it.
func (rt *router) dispatch(a *answer, r *http.Request, c *call) {
	path := r.URL.Path
	c.protocol, _ = rpcProtocol(r.Header.Get("Content-Type"))
	switch {
	case rt.wire.procedures[path] != nil && r.Method == http.MethodPost:
		gate{rt.wire}.ServeHTTP(a, r)
	case rt.wire.procedures[path] != nil:
		c.protocol = restProtocol
		a.Header().Set("Allow", http.MethodPost)
		c.fail(failureOfFault(fault.VerbWrong.With(r.Method, path)))
	case isREST(path) && c.protocol.form != formEnveloped:
		c.protocol = restProtocol
		rt.serveREST(a, r, c)
	case isRPC(r):
		c.fail(failureOfFault(fault.MethodUnknown.With(shorten(path))))
	default:
		c.protocol = restProtocol
		c.fail(failureOfFault(fault.PathUnknown.With(shorten(path))))
	}
}

// serveDocument serves what is for reading.
func (rt *router) serveDocument(rw http.ResponseWriter, r *http.Request, c *call, document http.Handler) {
	rt.servePlain(rw, r, c, func(out http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			out.Header().Set("Allow", "GET, HEAD")
			c.fail(failureOfFault(fault.VerbWrong.With(r.Method, c.method)))
			return
		}
		document.ServeHTTP(out, r)
	})
}

// servePublic serves a request for OAuth or OpenID Connect, on the instance of
// its host.
func (rt *router) servePublic(rw http.ResponseWriter, r *http.Request, c *call) {
	rt.servePlain(rw, r, c, func(out http.ResponseWriter, r *http.Request) {
		err := rt.wire.heed(r.Header, c)
		var instance caller.Instance
		if err == nil {
			instance, err = rt.wire.instanceOf(r.Context(), r)
		}
		if err != nil {
			c.fail(rt.wire.failureOf(r.Context(), err))
			return
		}
		c.instance = instance.ID
		rt.public.ServeHTTP(out, r.WithContext(caller.WithInstance(r.Context(), instance)))
	})
}

// servePlain serves a request that is no call to a method: the handler writes
// its own errors, unless it notes a failure or panics.
func (rt *router) servePlain(rw http.ResponseWriter, r *http.Request, c *call, handle http.HandlerFunc) {
	bound(rw, r)
	r.Body = http.MaxBytesReader(rw, r.Body, int64(rt.wire.limits.MaxBody))
	out := &recorder{ResponseWriter: rw, call: c}
	rt.protect(c, func() { handle(out, r) })
	if c.protocol.form == formOAuth {
		// An answer of the handler is small enough to be still in the buffer.
		drain(r)
	}
	c.status = out.status
	if c.failure == nil {
		if out.status == 0 { // an empty answer
			c.tell(rw.Header())
		}
		return
	}
	if out.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writePlain(rw, c)
}

// protect runs serve; a panic becomes the failure of the call.
func (rt *router) protect(c *call, serve func()) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(thrown)
		}
		c.failure = internal(fmt.Errorf("panic: %v\n%s", thrown, debug.Stack()))
	}()
	serve()
}

// recorder notes the status of a response, and tells what the call changed.
type recorder struct {
	http.ResponseWriter
	call   *call
	status int
}

// WriteHeader notes the first final status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
		r.call.tell(r.Header())
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes that a response without a status is a success.
func (r *recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(data)
}

// Flush sends what was written.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Unwrap returns the writer below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
