//go:build unix

package contract

import (
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// request returns a request that is valid, with the message around the field
// in it, and that message.
func (w world) request(t *testing.T, p place) (proto.Message, protoreflect.Message) {
	t.Helper()
	request := newRequest(t, p.method)
	within := request.ProtoReflect()
	fill(t, within, p.way[0])
	for i, step := range p.way[:len(p.way)-1] {
		if step.IsList() {
			within = within.Mutable(step).List().AppendMutable().Message()
		} else {
			within = within.Mutable(step).Message()
		}
		fill(t, within, p.way[i+1])
	}
	w.nameObject(t, p.method, request)
	return request, within
}

// fill gives a message what it cannot be without. chosen is a field that will
// be set: of its oneof nothing else is.
func fill(t *testing.T, m protoreflect.Message, chosen protoreflect.FieldDescriptor) {
	t.Helper()
	for i := range m.Descriptor().Oneofs().Len() {
		oneof := m.Descriptor().Oneofs().Get(i)
		rules, err := protovalidate.ResolveOneofRules(oneof)
		if err != nil {
			t.Fatal(err)
		}
		if rules.GetRequired() && (chosen == nil || chosen.ContainingOneof() != oneof) {
			fillField(t, m, simplest(oneof))
		}
	}
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		rules, err := protovalidate.ResolveFieldRules(field)
		if err != nil {
			t.Fatal(err)
		}
		optional := field.HasPresence() && !rules.GetRequired()
		if refusesZero(rules) && !optional && field.ContainingOneof() == nil && field != chosen {
			fillField(t, m, field)
		}
	}
}

// simplest returns a field of a required oneof that does not lead back to it.
func simplest(oneof protoreflect.OneofDescriptor) protoreflect.FieldDescriptor {
	for i := range oneof.Fields().Len() {
		field := oneof.Fields().Get(i)
		if !unsupported(field) && !leadsTo(field.Message(), oneof.Parent().FullName()) {
			return field
		}
	}
	panic("every field of " + string(oneof.FullName()) + " leads back to it")
}

func leadsTo(message protoreflect.MessageDescriptor, name protoreflect.FullName) bool {
	if message == nil {
		return false
	}
	for i := range message.Fields().Len() {
		if next := message.Fields().Get(i).Message(); next != nil && next.FullName() == name {
			return true
		}
	}
	return false
}

// refusesZero reports whether a field cannot be left out.
func refusesZero(rules *validate.FieldRules) bool {
	text := rules.GetString()
	return rules.GetRequired() || text.GetMinLen() > 0 || text.GetEmail() || text.GetPrefix() != "" ||
		rules.GetBytes().GetMinLen() > 0 || rules.GetRepeated().GetMinItems() > 0 || rules.GetBool().GetConst() ||
		slices.Contains(rules.GetEnum().GetNotIn(), 0) || rules.GetUint64().GetGte() > 0 || rules.GetUint32().GetGte() > 0
}

func fillField(t *testing.T, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	t.Helper()
	switch {
	case field.IsList() && field.Message() != nil:
		fill(t, m.Mutable(field).List().AppendMutable().Message(), nil)
	case field.Message() != nil:
		fill(t, m.Mutable(field).Message(), nil)
	default:
		put(field, valueOf(t, field))(m)
	}
}

// valueOf returns a value that the field takes, or an element of its list.
func valueOf(t *testing.T, field protoreflect.FieldDescriptor) protoreflect.Value {
	t.Helper()
	rules := rulesOf(t, field)
	switch field.Kind() {
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("value"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(supportedValue(t, field, rules.GetEnum()))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rules.GetUint64().GetGte())
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rules.GetUint32().GetGte())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(anyText(t, field, rules.GetString()))
	}
	t.Fatalf("%s: the tests cannot fill a %s", field.FullName(), field.Kind())
	return protoreflect.Value{}
}

// anyText returns a text that the field takes.
func anyText(t *testing.T, field protoreflect.FieldDescriptor, rules *validate.StringRules) string {
	t.Helper()
	switch {
	case field.Name() == "roles" && strings.Contains(string(field.Parent().Name()), "IAMMember"):
		return "IAM_OWNER_VIEWER"
	case field.Name() == "roles":
		return "ORG_OWNER_VIEWER"
	}
	return textOf(t, field, min(12, int(rules.GetMaxLen())))
}

// rulesOf returns the rules of a field, or of the elements of a list.
func rulesOf(t *testing.T, field protoreflect.FieldDescriptor) *validate.FieldRules {
	t.Helper()
	rules, err := protovalidate.ResolveFieldRules(field)
	if err != nil {
		t.Fatal(err)
	}
	if field.IsList() {
		return rules.GetRepeated().GetItems()
	}
	return rules
}

// supportedValue returns the first value of an enum that the field takes.
func supportedValue(t *testing.T, field protoreflect.FieldDescriptor, rules *validate.EnumRules) protoreflect.EnumNumber {
	t.Helper()
	for i := range field.Enum().Values().Len() {
		value := field.Enum().Values().Get(i)
		unsupported := proto.GetExtension(value.Options(), bastidev1.E_UnsupportedValue).(bool)
		if !unsupported && !slices.Contains(rules.GetNotIn(), int32(value.Number())) {
			return value.Number()
		}
	}
	t.Fatalf("%s takes no value", field.FullName())
	return 0
}
