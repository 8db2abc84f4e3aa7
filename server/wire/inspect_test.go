package wire

import (
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/fault"
)

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

// TestTimeRanges looks for times and durations that are none, in fields, lists
// and messages within.
func TestTimeRanges(t *testing.T) {
	inTimes := func(at *timestamppb.Timestamp) proto.Message {
		return &validate.FieldRules{Type: &validate.FieldRules_Timestamp{Timestamp: &validate.TimestampRules{
			Example: []*timestamppb.Timestamp{{}, at},
		}}}
	}
	inDurations := func(d *durationpb.Duration) proto.Message {
		return &validate.DurationRules{Const: d}
	}
	const times, durations = "timestamp.example[1]", "const"
	for _, test := range []struct {
		message proto.Message
		path    string
		want    error // nil if the message is fine
	}{
		{inTimes(&timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999999999}), times, nil},
		{inTimes(&timestamppb.Timestamp{Seconds: 253402300800}), times, fault.TimeInvalid.With()},
		{inTimes(&timestamppb.Timestamp{Seconds: -62135596800}), times, nil},
		{inTimes(&timestamppb.Timestamp{Seconds: -62135596801}), times, fault.TimeInvalid.With()},
		{inTimes(&timestamppb.Timestamp{Nanos: -1}), times, fault.TimeInvalid.With()},
		{inTimes(&timestamppb.Timestamp{Nanos: 1e9}), times, fault.TimeInvalid.With()},
		{inDurations(&durationpb.Duration{Seconds: -315576000000, Nanos: -999999999}), durations, nil},
		{inDurations(&durationpb.Duration{Seconds: 315576000001}), durations, fault.DurationInvalid.With()},
		{inDurations(&durationpb.Duration{Seconds: math.MinInt64}), durations, fault.DurationInvalid.With()},
		{inDurations(&durationpb.Duration{Seconds: 1, Nanos: -1}), durations, fault.DurationInvalid.With()},
		{inDurations(&durationpb.Duration{Nanos: 1e9}), durations, fault.DurationInvalid.With()},
	} {
		i := newInspector()
		i.add(test.message.ProtoReflect().Descriptor())
		err := i.inspect(test.message.ProtoReflect())
		if !errors.Is(err, test.want) {
			t.Errorf("%v: got %v, want %v", test.message, err, test.want)
			continue
		}
		var f *fault.Fault
		if errors.As(err, &f) && (len(f.Violations()) != 1 || f.Violations()[0].Field != test.path) {
			t.Errorf("%v: violations %v", test.message, f.Violations())
		}
	}
}
