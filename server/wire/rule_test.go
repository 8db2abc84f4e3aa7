package wire

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/fault"
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

// TestUnsupported sets each field that is declared unsupported, by itself.
func TestUnsupported(t *testing.T) {
	i := newInspector()
	descriptor := (&managementv1.ImportHumanUserRequest{}).ProtoReflect().Descriptor()
	i.add(descriptor)
	seen := 0
	for n := range descriptor.Fields().Len() {
		field := descriptor.Fields().Get(n)
		m := &managementv1.ImportHumanUserRequest{}
		set(m.ProtoReflect(), field)
		err := i.inspect(m.ProtoReflect())
		unsupported := proto.GetExtension(field.Options(), bastidev1.E_Unsupported).(bool)
		if unsupported {
			seen++
		}
		if got := errors.Is(err, fault.FieldUnsupported.With("")); got != unsupported {
			t.Errorf("%s: %v", field.Name(), err)
		}
		if unsupported && !strings.Contains(err.Error(), string(field.Name())) {
			t.Errorf("%s: %v", field.Name(), err)
		}
	}
	if seen == 0 {
		t.Error("the message has no unsupported field to test with")
	}
}

// set gives a field some value.
func set(m protoreflect.Message, field protoreflect.FieldDescriptor) {
	switch {
	case field.IsList() && field.Message() != nil:
		m.Mutable(field).List().AppendMutable()
	case field.Message() != nil:
		m.Mutable(field)
	case field.Kind() == protoreflect.StringKind:
		m.Set(field, protoreflect.ValueOfString("x"))
	case field.Kind() == protoreflect.BoolKind:
		m.Set(field, protoreflect.ValueOfBool(true))
	}
}

// TestNUL looks for U+0000 in messages within messages, lists and maps.
func TestNUL(t *testing.T) {
	for path, value := range map[string]any{
		`fields["a"].string_value`:                                 map[string]any{"a": "x\x00"},
		`fields["a"].list_value.values[1].string_value`:            map[string]any{"a": []any{"x", "\x00"}},
		`fields["a"].struct_value.fields["b"].string_value`:        map[string]any{"a": map[string]any{"b": "\x00"}},
		`fields["\x00"]`:                                           map[string]any{"\x00": 1},
		`fields["a"].list_value.values[0].list_value.values[0].st`: map[string]any{"a": []any{[]any{"\x00"}}},
	} {
		message, err := structpb.NewStruct(value.(map[string]any))
		if err != nil {
			t.Fatal(err)
		}
		i := newInspector()
		i.add(message.ProtoReflect().Descriptor())
		err = i.inspect(message.ProtoReflect())
		if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), "U+0000") {
			t.Errorf("%s: %v", path, err)
		}
	}
	i := newInspector()
	fine, err := structpb.NewStruct(map[string]any{"a": []any{"x", 1, nil, true, map[string]any{"b": "c"}}})
	if err != nil {
		t.Fatal(err)
	}
	i.add(fine.ProtoReflect().Descriptor())
	if err := i.inspect(fine.ProtoReflect()); err != nil {
		t.Error(err)
	}
}

func TestFieldPath(t *testing.T) {
	for _, path := range []string{"name", "human.email.email", "queries[3].user_id_query.user_id"} {
		if got := protovalidate.FieldPathString(fieldPath(path)); got != path {
			t.Errorf("%s became %s", path, got)
		}
	}
}

func TestManyViolations(t *testing.T) {
	all := new(validate.Violations)
	for range 3 * maxViolations {
		all.Violations = append(all.Violations, &validate.Violation{Message: proto.String(strings.Repeat("x", 100))})
	}
	f := failureOfViolations(all)
	if len(f.violations.GetViolations()) != maxViolations || len(f.message) > maxMessage+len("…") {
		t.Errorf("%d violations, %d bytes", len(f.violations.GetViolations()), len(f.message))
	}
}

func TestShorten(t *testing.T) {
	if got := shorten("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	long := shorten(strings.Repeat("ä", maxMessage))
	if len(long) > maxMessage+len("…") || !strings.HasSuffix(long, "ä…") {
		t.Errorf("%d bytes", len(long))
	}
}
