//go:build unix

package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// place is a field somewhere in the request of a method.
type place struct {
	method protoreflect.MethodDescriptor
	// way leads to the field, which is the last step. Lists on the way have
	// one element.
	way []protoreflect.FieldDescriptor
}

func (p place) field() protoreflect.FieldDescriptor { return p.way[len(p.way)-1] }

// path returns how errors name the field, or its first element.
func (p place) path(element bool) string {
	var parts []string
	for i, field := range p.way {
		name := string(field.Name())
		if field.IsList() && (i < len(p.way)-1 || element) {
			name += "[0]"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

func (p place) String() string { return fmt.Sprintf("%s %s", p.method.FullName(), p.path(false)) }

// places returns every field of every request, of messages within too. What is
// within a field that is not supported cannot be reached.
func places() (all []place) {
	for _, method := range methods() {
		walk(method.Input(), place{method: method}, func(p place) { all = append(all, p) })
	}
	return all
}

func walk(message protoreflect.MessageDescriptor, at place, visit func(place)) {
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		p := place{method: at.method, way: append(slices.Clone(at.way), field)}
		visit(p)
		if field.Message() != nil && !unsupported(field) && !strings.HasPrefix(string(field.Message().FullName()), "google.protobuf.") && !within(field.Message(), p) {
			walk(field.Message(), p, visit)
		}
	}
}

// within reports whether the way to a field leads through a message of the
// type already: queries hold queries.
func within(message protoreflect.MessageDescriptor, p place) bool {
	for _, step := range p.way {
		if step.Parent() == protoreflect.Descriptor(message) {
			return true
		}
	}
	return false
}

func unsupported(field protoreflect.FieldDescriptor) bool {
	return proto.GetExtension(field.Options(), bastidev1.E_Unsupported).(bool)
}

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
		needed := rules.GetRequired() || rules.GetString().GetMinLen() > 0 || rules.GetBytes().GetMinLen() > 0 ||
			rules.GetRepeated().GetMinItems() > 0 || slices.Contains(rules.GetEnum().GetNotIn(), 0)
		if needed && !optional && field.ContainingOneof() == nil && field != chosen {
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

func fillField(t *testing.T, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	t.Helper()
	switch {
	case field.IsList() && field.Kind() == protoreflect.MessageKind:
		fill(t, m.Mutable(field).List().AppendMutable().Message(), nil)
		return
	case field.IsList():
		m.Mutable(field).List().Append(protoreflect.ValueOfString(textOf(field, 12)))
		return
	}
	switch field.Kind() {
	case protoreflect.MessageKind:
		fill(t, m.Mutable(field).Message(), nil)
	case protoreflect.BytesKind:
		m.Set(field, protoreflect.ValueOfBytes([]byte("value")))
	case protoreflect.BoolKind:
		m.Set(field, protoreflect.ValueOfBool(true))
	case protoreflect.EnumKind:
		m.Set(field, protoreflect.ValueOfEnum(1))
	case protoreflect.StringKind:
		m.Set(field, protoreflect.ValueOfString(textOf(field, 12)))
	default:
		t.Fatalf("%s: the tests cannot fill a %s", field.FullName(), field.Kind())
	}
}
