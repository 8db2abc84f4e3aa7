package wire

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
)

// gate lets a call through to the handler of its method. It stands right before
// the handler, behind the transcoding of REST, so that it sees every protocol
// alike: it decides who may enter before a byte of the body is read.
type gate struct{ wire *Wire }

// ServeHTTP serves a call whose path is that of a procedure. It writes nothing
// itself: what goes wrong is noted in the call.
func (g gate) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w, c := g.wire, callOf(r.Context())
	p := w.procedures[r.URL.Path]
	c.method = p.path
	if c.rest != nil {
		c.answer.status = p.status
	}
	ctx, err := w.enter(r, p, c)
	if err == nil {
		r = r.WithContext(ctx)
		err = w.receive(r, p, c)
	}
	if err != nil {
		c.fail(w.failureOf(r.Context(), err))
		return
	}
	body := r.Body.(*message)
	p.handler.ServeHTTP(rw, r)
	if !c.decoded {
		// The handler could not read the message; reading it once more tells why.
		c.fail(w.unread(r.Context(), p, c, body.data))
	}
}

// enter decides whether the caller may make the call, as far as that can be
// decided without the request message. It returns the context of the call, or
// fault.HostUnknown, fault.TokenInvalid, fault.PermissionMissing,
// fault.PositionInvalid, fault.HeaderRepeated.
func (w *Wire) enter(r *http.Request, p *procedure, c *call) (context.Context, error) {
	ctx := r.Context()
	if err := w.heed(r.Header, c); err != nil {
		return ctx, err
	}
	if p.rule.GetOn() == bastidev1.On_ON_PUBLIC {
		return ctx, nil
	}
	instance, err := w.instanceOf(ctx, r)
	if err != nil && (p.rule.GetOn() != bastidev1.On_ON_SYSTEM || !isHostUnknown(err)) {
		return ctx, err
	}
	c.instance = instance.ID
	ctx = caller.WithInstance(ctx, instance)
	if p.rule.GetOn() == bastidev1.On_ON_HOST {
		return ctx, nil
	}
	token, err := bearer(r.Header)
	if err != nil {
		return ctx, err
	}
	who, err := w.config.Authenticate(ctx, token, w.audiences(ctx, instance.Origin))
	if err != nil {
		return ctx, err
	}
	w.catchUp(c)
	if permission.NeedsMemberships(p.rule) && who.Kind == caller.User {
		if who.Memberships, err = w.config.Memberships(ctx, who); err != nil {
			return ctx, err
		}
	}
	ctx = caller.With(ctx, who)
	if err := permission.Enter(ctx, p.rule); err != nil {
		return ctx, err
	}
	if c.organization, err = single(r.Header, headerOrganization); err != nil {
		return ctx, err
	}
	c.pageToken, err = single(r.Header, headerPageToken)
	return ctx, err
}

// bearer returns the token of a request. Whatever is wrong with the header, the
// answer is fault.TokenInvalid.
func bearer(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) == 1 {
		scheme, token, _ := strings.Cut(values[0], " ")
		token = strings.TrimSpace(token)
		if strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsAny(token, " \t,") {
			return token, nil
		}
	}
	return "", fault.TokenInvalid.With()
}

// message is the body that a handler reads: one message, whole.
type message struct {
	bytes.Reader
	data []byte
}

// Close does nothing, for the body of the request was read to its end.
func (*message) Close() error { return nil }

// receive reads the body and makes of it, and of the header, what every handler
// can read: one message, not compressed, in a content type that it knows.
func (w *Wire) receive(r *http.Request, p *procedure, c *call) error {
	data, err := w.payload(r, p, c)
	if err != nil {
		return err
	}
	m := &message{data: data}
	if c.protocol.form == formEnveloped {
		data = wrap(data)
	}
	m.Reset(data)
	r.Body, r.ContentLength = m, int64(len(data))
	r.Header["Content-Type"] = []string{c.protocol.contentType}
	r.Header.Del("Content-Encoding")
	r.Header.Del("Grpc-Encoding")
	return nil
}

// payload returns the request message in the codec of the call.
func (w *Wire) payload(r *http.Request, p *procedure, c *call) ([]byte, error) {
	if c.rest != nil {
		return w.restPayload(r, p, c)
	}
	contentType := r.Header.Get("Content-Type")
	if _, known := rpcProtocol(contentType); !known || len(r.Header["Content-Type"]) > 1 {
		return nil, fault.MediaTypeUnknown.With(shorten(contentType))
	}
	if err := checkRPCHeader(c.protocol, r.Header); err != nil {
		return nil, err
	}
	encoding := r.Header.Get("Content-Encoding")
	if c.protocol.form == formEnveloped {
		encoding = r.Header.Get("Grpc-Encoding")
	}
	return w.readBody(r, c.protocol, encoding)
}

// checkRPCHeader returns fault.RequestInvalid for a header that the handler
// would refuse before it reads the message.
func checkRPCHeader(p protocol, h http.Header) error {
	if p.form == formEnveloped {
		timeout := h.Get("Grpc-Timeout")
		last := max(len(timeout)-1, 0)
		if timeout != "" && (!isDigits(timeout[:last], 8) || !strings.Contains("HMSmun", timeout[last:])) {
			return fault.RequestInvalid.With("grpc-timeout: must be at most 8 digits and a unit")
		}
		return nil
	}
	if version := h.Get("Connect-Protocol-Version"); version != "" && version != "1" {
		return fault.RequestInvalid.With("connect-protocol-version: must be 1")
	}
	if timeout := h.Get("Connect-Timeout-Ms"); timeout != "" && !isDigits(timeout, 10) {
		return fault.RequestInvalid.With("connect-timeout-ms: must be a number of at most 10 digits")
	}
	return nil
}

func isDigits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// unread returns the failure of a call whose message the handler could not read.
func (w *Wire) unread(ctx context.Context, p *procedure, c *call, data []byte) *failure {
	if err := ctx.Err(); err != nil {
		return w.failureOf(ctx, err)
	}
	if err := decode(c.protocol.codec, data, p.input.New().Interface()); err != nil {
		return failureOfFault(fault.RequestInvalid.With(shorten(err.Error())))
	}
	return internal(errors.New("the handler refused a request that can be read: " + c.answer.reason()))
}
