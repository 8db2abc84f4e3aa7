package wire

import (
	"context"
	"crypto/sha256"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// The headers that page tokens travel in: the lists of the contract have no
// field for them.
const (
	headerPageToken     = "X-Bastide-Page-Token"
	headerNextPageToken = "X-Bastide-Next-Page-Token"
)

// PageTokens makes and reads the tokens of positions in lists, each bound to
// what it may be used for.
type PageTokens interface {
	Seal(position, boundTo []byte) string
	// Open returns ok false for what Seal did not make for the same binding.
	Open(token string, boundTo []byte) (position []byte, ok bool)
}

// pages hands the position of the page token to the method, and the position
// where its answer ended to the caller. It returns fault.PageToken for a token
// that was not given for the same request.
func (w *Wire) pages(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		p, message, err := w.procedureOf(request)
		if err != nil {
			return nil, err
		}
		token := callOf(ctx).pageToken
		if w.config.Pages == nil || listQuery(message.ProtoReflect()) == nil {
			if token != "" {
				return nil, fault.PageToken.With()
			}
			return next(ctx, request)
		}
		paging := new(caller.Paging)
		if token != "" {
			var ok bool
			if paging.After, ok = w.config.Pages.Open(token, sameList(ctx, p, message)); !ok {
				return nil, fault.PageToken.With()
			}
		}
		response, err := next(caller.WithPaging(ctx, paging), request)
		if err == nil && paging.Next != nil {
			response.Header().Set(headerNextPageToken, w.config.Pages.Seal(paging.Next, sameList(ctx, p, message)))
		}
		return response, err
	}
}

// listQuery returns the field with the offset and the limit of a request for a
// list; nil if the request is none.
func listQuery(m protoreflect.Message) protoreflect.FieldDescriptor {
	field := m.Descriptor().Fields().ByName("query")
	if field == nil || field.Message() == nil || field.IsList() || field.Message().Name() != "ListQuery" {
		return nil
	}
	return field
}

// sameList returns what all pages of a list have in common: the method, where
// it acts, and the request but for the size of a page and its offset, which is
// part of the first page's request only.
func sameList(ctx context.Context, p *procedure, message proto.Message) []byte {
	same := proto.Clone(message)
	if field := listQuery(same.ProtoReflect()); same.ProtoReflect().Has(field) {
		query := same.ProtoReflect().Mutable(field).Message()
		for _, name := range []protoreflect.Name{"offset", "limit"} {
			query.Clear(field.Message().Fields().ByName(name))
		}
		if proto.Size(query.Interface()) == 0 {
			same.ProtoReflect().Clear(field) // as good as absent
		}
	}
	// What cannot be encoded was never decoded: the error is always nil.
	data, _ := proto.MarshalOptions{Deterministic: true}.Marshal(same)
	return fmt.Appendf(nil, "%s %q %q %x", p.path, caller.InstanceOf(ctx).ID, caller.OrganizationID(ctx), sha256.Sum256(data))
}
