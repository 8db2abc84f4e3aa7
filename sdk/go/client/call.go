package client

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// message stands for a message of any type: it is what it embeds.
type message struct{ proto.Message }

// Call calls any method that takes and returns one message, with messages of the
// method's types, which may be dynamic ones (dynamicpb). It is for programs that
// learn of methods as they run; others call the services of the client. The
// answer replaces what is in response.
//
// It returns an *Error, InvalidArgument if the messages are not of the method's
// types and Unimplemented for a method with streams.
func (c *Client) Call(ctx context.Context, method protoreflect.MethodDescriptor, request, response proto.Message) error {
	if err := checkCall(method, request, response); err != nil {
		return typed(err)
	}
	service := method.Parent().FullName()
	caller := connect.NewClient[message, message](c.session.http, c.session.base+"/"+string(service)+"/"+string(method.Name()),
		connect.WithClientOptions(c.session.options...),
		connect.WithSchema(method),
		connect.WithIdempotency(idempotencyOf(method)),
		connect.WithResponseInitializer(func(_ connect.Spec, m any) error {
			m.(*message).Message = response
			return nil
		}),
	)
	_, err := caller.CallUnary(ctx, connect.NewRequest(&message{request}))
	if err != nil {
		return typed(err)
	}
	return nil
}

func checkCall(method protoreflect.MethodDescriptor, request, response proto.Message) error {
	switch {
	case method == nil || request == nil || response == nil:
		return connect.NewError(connect.CodeInvalidArgument, errors.New("a method, a request and a response are needed"))
	case method.IsStreamingClient() || method.IsStreamingServer():
		return connect.NewError(connect.CodeUnimplemented, fmt.Errorf("%s has streams: it cannot be called with one message", method.FullName()))
	}
	for name, pair := range map[string][2]protoreflect.FullName{
		"request":  {request.ProtoReflect().Descriptor().FullName(), method.Input().FullName()},
		"response": {response.ProtoReflect().Descriptor().FullName(), method.Output().FullName()},
	} {
		if pair[0] != pair[1] {
			return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the %s of %s must be a %s, not a %s", name, method.FullName(), pair[1], pair[0]))
		}
	}
	return nil
}

func idempotencyOf(method protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	switch options.GetIdempotencyLevel() {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return connect.IdempotencyNoSideEffects
	case descriptorpb.MethodOptions_IDEMPOTENT:
		return connect.IdempotencyIdempotent
	default:
		return connect.IdempotencyUnknown
	}
}
