package wire

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
)

func TestCheckRule(t *testing.T) {
	methods := managementv1.File_zitadel_management_v1_management_service_proto.Services().ByName("ManagementService").Methods()
	method := methods.ByName("AddMachineKey") // its request has user_id, a string, and type, an enum
	object := func(kind bastidev1.Kind, field string) *bastidev1.Object {
		return &bastidev1.Object{Kind: kind, Field: field}
	}
	user := bastidev1.Kind_KIND_USER
	for name, test := range map[string]struct {
		rule *bastidev1.Rule
		says string
	}{
		"none":              {nil, "no rule"},
		"nowhere":           {&bastidev1.Rule{Permission: "user.write"}, "no rule"},
		"public":            {&bastidev1.Rule{On: bastidev1.On_ON_PUBLIC}, ""},
		"public with":       {&bastidev1.Rule{On: bastidev1.On_ON_PUBLIC, Permission: "x"}, "does not go with"},
		"host":              {&bastidev1.Rule{On: bastidev1.On_ON_HOST}, ""},
		"host with":         {&bastidev1.Rule{On: bastidev1.On_ON_HOST, Permission: "x"}, "does not go with"},
		"self":              {&bastidev1.Rule{On: bastidev1.On_ON_SELF}, ""},
		"instance":          {&bastidev1.Rule{On: bastidev1.On_ON_INSTANCE, Permission: "iam.read"}, ""},
		"instance without":  {&bastidev1.Rule{On: bastidev1.On_ON_INSTANCE}, "does not go with"},
		"object":            {&bastidev1.Rule{On: bastidev1.On_ON_OBJECT, Permission: "x", Object: object(user, "user_id")}, ""},
		"object without":    {&bastidev1.Rule{On: bastidev1.On_ON_OBJECT, Permission: "x"}, "names no object"},
		"unknown field":     {&bastidev1.Rule{On: bastidev1.On_ON_HEADER_ORG, Permission: "x", Object: object(user, "usr_id")}, "usr_id"},
		"field of no text":  {&bastidev1.Rule{On: bastidev1.On_ON_HEADER_ORG, Permission: "x", Object: object(user, "type")}, "type"},
		"object of no kind": {&bastidev1.Rule{On: bastidev1.On_ON_HEADER_ORG, Permission: "x", Object: object(0, "user_id")}, "no kind"},
	} {
		err := checkRule(method, test.rule)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNewProcedure makes procedures of methods that are not generated.
func TestNewProcedure(t *testing.T) {
	public := &descriptorpb.MethodOptions{}
	proto.SetExtension(public, bastidev1.E_Rule, &bastidev1.Rule{On: bastidev1.On_ON_PUBLIC})
	method := func(name string, streams bool, options *descriptorpb.MethodOptions) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: proto.String(".test.Request"), OutputType: proto.String(".test.Request"),
			ServerStreaming: &streams, Options: options,
		}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Request")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Service"), Method: []*descriptorpb.MethodDescriptorProto{
			method("Streams", true, public), method("NoRule", false, nil), method("Unknown", false, public),
		}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"Streams": "streams", "NoRule": "no rule", "Unknown": "request of test.Service.Unknown"} {
		_, err := newProcedure(file.Services().Get(0).Methods().ByName(protoreflect.Name(name)), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPathVariables(t *testing.T) {
	methods := managementv1.File_zitadel_management_v1_management_service_proto.Services().ByName("ManagementService").Methods()
	got := pathVariables(methods.ByName("AddMachineKey"))
	if !got["user_id"] || !got["userId"] || len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := pathVariables(methods.ByName("GetMyOrg")); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
