package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

var authMethods = authv1.File_zitadel_auth_v1_auth_service_proto.Services().ByName("AuthService").Methods()

// streaming returns a method with streams.
func streaming(t *testing.T) protoreflect.MethodDescriptor {
	t.Helper()
	text := proto.String(".zitadel.auth.v1.GetMyUserRequest")
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("streams.proto"), Package: proto.String("streams"), Syntax: proto.String("proto3"),
		Dependency: []string{authv1.File_zitadel_auth_v1_user_proto.Path()},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("M"), InputType: text, OutputType: text, ServerStreaming: proto.Bool(true)},
		}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0).Methods().Get(0)
}

func TestCallChecksItsInput(t *testing.T) {
	c := newFake(t).client(t, client.WithToken("t"))
	method := authMethods.ByName("GetMyUser")
	for name, test := range map[string]struct {
		method            protoreflect.MethodDescriptor
		request, response proto.Message
		kind              client.Kind
		says              string
	}{
		"no method":      {nil, &authv1.GetMyUserRequest{}, &authv1.GetMyUserResponse{}, client.InvalidArgument, "are needed"},
		"no request":     {method, nil, &authv1.GetMyUserResponse{}, client.InvalidArgument, "are needed"},
		"no response":    {method, &authv1.GetMyUserRequest{}, nil, client.InvalidArgument, "are needed"},
		"wrong request":  {method, &authv1.HealthzRequest{}, &authv1.GetMyUserResponse{}, client.InvalidArgument, "the request of zitadel.auth.v1.AuthService.GetMyUser must be a zitadel.auth.v1.GetMyUserRequest, not a zitadel.auth.v1.HealthzRequest"},
		"wrong response": {method, &authv1.GetMyUserRequest{}, dynamicpb.NewMessage(method.Input()), client.InvalidArgument, "the response of"},
		"streams":        {streaming(t), &authv1.GetMyUserRequest{}, &authv1.GetMyUserRequest{}, client.Unimplemented, "streams.S.M has streams"},
	} {
		err := c.Call(t.Context(), test.method, test.request, test.response)
		if e := new(client.Error); !errors.As(err, &e) || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Call repeats reads and no writes, as the services of a client do.
func TestCallIsRepeated(t *testing.T) {
	eachFake(t, func(t *testing.T, f *fake, protocol client.Option) {
		c := f.client(t, protocol, client.WithToken("t"))
		f.answer = func(context.Context, http.Header) error { return fail(connect.CodeUnavailable) }
		for name, want := range map[protoreflect.Name]int{"GetMyUser": client.Tries, "RemoveMyUser": 1} {
			method := authMethods.ByName(name)
			before, _ := f.counts()
			err := c.Call(t.Context(), method, dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output()))
			after, _ := f.counts()
			if !errors.Is(err, client.Unavailable) || after-before != want {
				t.Errorf("%s: called %d times: %v", name, after-before, err)
			}
		}
	})
}
