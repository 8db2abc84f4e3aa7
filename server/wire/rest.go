package wire

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"connectrpc.com/vanguard"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bastide-id/bastide/server/fault"
)

// restPrefixes are the paths below which calls are REST.
var restPrefixes = []string{"/system/v1/", "/admin/v1/", "/management/v1/", "/auth/v1/"}

// isREST reports whether the path is that of a REST call.
func isREST(path string) bool {
	return slices.ContainsFunc(restPrefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// restRequest is what the transcoder does not get to see of a REST request: it
// would judge it before it is known who calls. It is also the body that the
// transcoder reads, empty until the caller was let in.
type restRequest struct {
	bytes.Reader
	original *http.Request
	query    url.Values
}

// Close does nothing, for the body of the original request is read to its end.
func (*restRequest) Close() error { return nil }

// newREST returns what makes calls of REST requests, driven by the google.api.http
// options of the services. It returns an error if two methods share a path.
func (w *Wire) newREST(services []Service) (*vanguard.Transcoder, error) {
	var schemas []*vanguard.Service
	for _, service := range services {
		descriptor, err := descriptorOf(service)
		if err != nil {
			return nil, err
		}
		schemas = append(schemas, vanguard.NewServiceWithSchema(withBodies(descriptor), gate{w}))
	}
	return vanguard.NewTranscoder(schemas,
		vanguard.WithDefaultServiceOptions(
			vanguard.WithTargetProtocols(vanguard.ProtocolConnect),
			vanguard.WithTargetCodecs(vanguard.CodecJSON),
			vanguard.WithTypeResolver(protoregistry.GlobalTypes),
			vanguard.WithRESTUnmarshalOptions(vanguard.RESTUnmarshalOptions{DiscardUnknownQueryParams: true}),
		),
		vanguard.WithCodec(func(vanguard.TypeResolver) vanguard.Codec {
			return vanguard.JSONCodec{MarshalOptions: jsonMarshal, UnmarshalOptions: jsonUnmarshal}
		}),
	)
}

// serveREST serves a request below a REST prefix.
func (rt *router) serveREST(a *answer, r *http.Request, c *call) {
	c.rest = &restRequest{original: r, query: r.URL.Query()}
	rt.rest.ServeHTTP(a, bare(r, c.rest))
	if c.method != "" || c.failure != nil {
		return
	}
	// The transcoder found no method.
	switch a.refused {
	case http.StatusMethodNotAllowed:
		verbs := strings.Split(a.Header().Get("Allow"), ",")
		slices.Sort(verbs)
		a.Header().Set("Allow", strings.Join(verbs, ", "))
		c.fail(failureOfFault(fault.VerbWrong.With(r.Method, shorten(r.URL.Path))))
	default:
		c.fail(failureOfFault(fault.PathUnknown.With(shorten(r.URL.Path))))
	}
}

// bare returns the request as the transcoder gets it: what it needs to find the
// method, with nothing that it could refuse before.
func bare(r *http.Request, body *restRequest) *http.Request {
	inner := r.WithContext(r.Context())
	inner.Body, inner.ContentLength = body, -1
	inner.Header = r.Header.Clone()
	for _, name := range []string{
		"Content-Type", "Content-Encoding", "X-Server-Timeout", "Connect-Protocol-Version", "Connect-Timeout-Ms",
	} {
		inner.Header.Del(name)
	}
	u := *r.URL
	// The transcoder splits the path first and unescapes its parts then, which
	// is right for a path as it was sent. No path of the contract ends with a
	// verb after a colon, so a colon is part of an id.
	u.Path, u.RawPath = strings.ReplaceAll(r.URL.EscapedPath(), ":", "%3A"), ""
	if hasNoBody(r) {
		query := withoutConnect(body.query)
		u.RawQuery = query.Encode()
	} else {
		// The body is the whole message: there is no field left for the query.
		u.RawQuery = ""
	}
	inner.URL = &u
	return inner
}

// withoutConnect returns the query without the parameter that would make the transcoder
// take a GET for one of another protocol.
func withoutConnect(query url.Values) url.Values {
	if !query.Has("connect") {
		return query
	}
	rest := url.Values{}
	for name, values := range query {
		if name != "connect" {
			rest[name] = values
		}
	}
	return rest
}

// hasNoBody reports whether the verb of a request gives no meaning to a body.
func hasNoBody(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || r.Method == http.MethodHead
}

// restPayload returns the request message of a REST call: its body, path and
// query put together by the transcoder.
func (w *Wire) restPayload(r *http.Request, p *procedure, c *call) ([]byte, error) {
	for name := range c.rest.query {
		if p.variables[name] && hasNoBody(c.rest.original) {
			return nil, fault.RequestInvalid.With(name + ": is given by the path, and must not be in the query")
		}
	}
	body, err := w.restBody(p, c)
	if err != nil {
		return nil, err
	}
	c.rest.Reset(body)
	data, err := io.ReadAll(r.Body)
	if c.answer.refused != 0 || err != nil {
		return nil, fault.RequestInvalid.With(c.answer.transcoderError()).Because(err)
	}
	return data, nil
}

// restBody returns the body of a REST call. A missing content type means JSON; a
// body where the verb has none, and the contract does not say otherwise, is read
// to its end and not looked at.
func (w *Wire) restBody(p *procedure, c *call) ([]byte, error) {
	original := c.rest.original
	if hasNoBody(original) && !p.body {
		_, err := w.readAll(original, w.limits.MaxBody)
		return nil, err
	}
	if types := original.Header["Content-Type"]; len(types) > 0 {
		base, charset := mediaType(types[0])
		if len(types) > 1 || base != restProtocol.contentType || !charset {
			return nil, fault.MediaTypeUnknown.With(shorten(types[0]))
		}
	}
	return w.readBody(original, restProtocol, original.Header.Get("Content-Encoding"))
}

// transcoderError returns what the transcoder said of a request that it could
// not read, of which it kept the caller's answer only.
func (a *answer) transcoderError() string {
	var said status.Status
	if err := protojson.Unmarshal(a.held, &said); err != nil || said.GetMessage() == "" {
		return "the request can not be read"
	}
	return shorten(plain(said.GetMessage()))
}
