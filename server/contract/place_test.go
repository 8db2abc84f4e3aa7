//go:build unix

package contract

import (
	"fmt"
	"slices"
	"strings"

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
