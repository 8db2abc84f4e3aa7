package wire

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bastide-id/bastide/server/fault"
)

// faults notes how the call ended. What it returns is for the handler's library;
// the caller is answered from the note.
func (w *Wire) faults(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		c := callOf(ctx)
		c.decoded = true
		response, err := next(ctx, request)
		if err != nil {
			f := w.failureOf(ctx, err)
			c.fail(f)
			return nil, f.connectError()
		}
		c.done = true
		return response, nil
	}
}

// permit decides the rule of the method on the object of the request.
func (w *Wire) permit(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		p, message, err := w.procedureOf(request)
		if err != nil {
			return nil, err
		}
		// The id goes to the database, which may not take every text.
		if field := p.rule.GetObject().GetField(); field != "" {
			m := message.ProtoReflect()
			id := m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(field))).String()
			if strings.ContainsRune(id, 0) {
				return nil, fault.TextHasNUL.Field(field)
			}
		}
		ctx, err = w.config.Directory.Check(ctx, p.rule, message, callOf(ctx).organization)
		if err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

// validate checks the fields of the request.
func (w *Wire) validate(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		_, message, err := w.procedureOf(request)
		if err != nil {
			return nil, err
		}
		if err := w.inspector.inspect(message.ProtoReflect()); err != nil {
			return nil, err
		}
		if err := w.validator.Validate(message); err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

// procedureOf returns the procedure and the message of a request. It returns an
// error for a handler that was not mounted.
func (w *Wire) procedureOf(request connect.AnyRequest) (*procedure, proto.Message, error) {
	path := request.Spec().Procedure
	p := w.procedures[path]
	message, ok := request.Any().(proto.Message)
	if p == nil || !ok {
		return nil, nil, fault.MethodUnknown.With(path)
	}
	return p, message, nil
}
