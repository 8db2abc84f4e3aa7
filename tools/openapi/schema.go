package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// schemas are those of the messages and enums, each once.
type schemas struct {
	all object
	// without are the fields that were left out of a message.
	without map[protoreflect.FullName]string
}

func newSchemas() *schemas { return &schemas{without: map[protoreflect.FullName]string{}} }

// wellKnown are the messages that JSON has forms of its own for.
var wellKnown = map[protoreflect.FullName]object{
	"google.protobuf.Timestamp": object{}.set("type", "string").set("format", "date-time"),
	"google.protobuf.Duration":  object{}.set("type", "string").set("pattern", `^-?[0-9]+(\.[0-9]{1,9})?s$`),
	"google.protobuf.Struct":    object{}.set("type", "object").set("additionalProperties", true),
}

// body returns the schema of a request without the fields in its path, whether
// there must be a body, and ok false if no field is left.
func (s *schemas) body(message *protogen.Message, without []string) (schema object, needed, ok bool) {
	for _, field := range message.Fields {
		if !slices.Contains(without, string(field.Desc.Name())) {
			ok = true
			needed = needed || required(field)
		}
	}
	for _, oneof := range message.Oneofs {
		needed = needed || oneofRequired(oneof)
	}
	if !ok {
		return nil, false, false
	}
	return s.messageWithout(message, without), needed, true
}

// message returns a reference to the schema of a message, or the schema of one
// that is well known.
func (s *schemas) message(message *protogen.Message) object { return s.messageWithout(message, nil) }

func (s *schemas) messageWithout(message *protogen.Message, without []string) object {
	name := message.Desc.FullName()
	if known := wellKnown[name]; known != nil {
		return known
	}
	if strings.HasPrefix(string(name), "google.protobuf.") {
		panic(fmt.Sprintf("openapi: the JSON of %s is not described", name))
	}
	key := strings.Join(without, " ")
	if before, ok := s.without[name]; ok {
		if before != key {
			panic(fmt.Sprintf("openapi: %s is sent with other fields in the path", name))
		}
		return reference("schemas/" + string(name))
	}
	s.without[name] = key
	at := len(s.all)
	s.all = s.all.set(string(name), nil) // a message may lie in itself
	s.all[at].value = s.describe(message, without)
	return reference("schemas/" + string(name))
}

// describe returns the schema of a message.
func (s *schemas) describe(message *protogen.Message, without []string) object {
	var properties object
	var needed []string
	for _, field := range message.Fields {
		if slices.Contains(without, string(field.Desc.Name())) {
			continue
		}
		schema, description := s.field(field)
		properties = properties.set(field.Desc.JSONName(), slices.Clone(schema).text("description", description))
		if required(field) {
			needed = append(needed, field.Desc.JSONName())
		}
	}
	for _, oneof := range message.Oneofs {
		if oneofRequired(oneof) && len(oneof.Fields) == 1 {
			needed = append(needed, oneof.Fields[0].Desc.JSONName())
		}
	}
	o := object{}.set("type", "object").text("description", comment(message.Comments))
	if len(needed) > 0 {
		o = o.set("required", needed)
	}
	if len(properties) > 0 {
		o = o.set("properties", properties)
	}
	return append(o, oneofs(message)...)
}

// oneofs returns what a schema says of the oneofs of a message.
func oneofs(message *protogen.Message) (o object) {
	var all []object
	for _, oneof := range message.Oneofs {
		if len(oneof.Fields) == 1 {
			continue // optional, or required by its name
		}
		if len(oneof.Fields) == len(message.Fields) {
			if oneofRequired(oneof) {
				o = o.set("minProperties", 1)
			}
			return o.set("maxProperties", 1)
		}
		var one, some []object
		for i, field := range oneof.Fields {
			name := field.Desc.JSONName()
			some = append(some, object{}.set("required", []string{name}))
			for _, other := range oneof.Fields[i+1:] {
				one = append(one, object{}.set("required", []string{name, other.Desc.JSONName()}))
			}
		}
		switch {
		case oneofRequired(oneof):
			all = append(all, object{}.set("oneOf", some))
		case len(one) > 0:
			all = append(all, object{}.set("not", object{}.set("anyOf", one)))
		}
	}
	if len(all) > 0 {
		o = o.set("allOf", all)
	}
	return o
}

// field returns the schema of a field's value, and what is to be said of it.
func (s *schemas) field(field *protogen.Field) (schema object, description string) {
	rules := rulesOf(field)
	description = comment(field.Comments)
	if oneof := field.Oneof; oneof != nil && !oneof.Desc.IsSynthetic() && len(oneof.Fields) > 1 {
		var others []string
		for _, other := range oneof.Fields {
			if other != field {
				others = append(others, "`"+other.Desc.JSONName()+"`")
			}
		}
		if len(others) < 5 {
			description = join(description, "Not together with "+strings.Join(others, ", ")+".")
		}
	}
	if proto.GetExtension(field.Desc.Options(), bastidev1.E_Unsupported).(bool) {
		description = join(description, "Not supported yet: a request that sets it is refused with 501.")
		schema = schema.set("x-unsupported", true)
	}
	if values := unsupportedValues(field); len(values) > 0 {
		description = join(description, "Not supported yet, and refused with 501: `"+strings.Join(values, "`, `")+"`.")
		schema = schema.set("x-unsupported-values", values)
	}
	if field.Desc.IsMap() {
		value := field.Message.Fields[1]
		return schema.set("type", "object").set("additionalProperties", s.single(value, nil)), description
	}
	single := s.single(field, rules)
	if field.Desc.IsList() {
		single = s.single(field, rules.GetRepeated().GetItems())
		return append(append(schema, object{}.set("type", "array").set("items", single)...), bounds(rules.GetRepeated())...), description
	}
	text := describeRules(rules)
	return append(schema, single...), join(description, text)
}

// unsupportedValues are those values of an enum field that are refused.
func unsupportedValues(field *protogen.Field) (names []string) {
	if field.Enum == nil {
		return nil
	}
	for _, value := range field.Enum.Values {
		if proto.GetExtension(value.Desc.Options(), bastidev1.E_UnsupportedValue).(bool) {
			names = append(names, string(value.Desc.Name()))
		}
	}
	return names
}

// enum returns a reference to the schema of an enum.
func (s *schemas) enum(enum *protogen.Enum) object {
	name := enum.Desc.FullName()
	if _, ok := s.without[name]; !ok {
		s.without[name] = ""
		var names []string
		description := comment(enum.Comments)
		for _, value := range enum.Values {
			names = append(names, string(value.Desc.Name()))
			if text := comment(value.Comments); text != "" {
				description = join(description, "`"+string(value.Desc.Name())+"`: "+text)
			}
		}
		s.all = s.all.set(string(name), object{}.set("type", "string").text("description", description).
			set("enum", names).set("default", names[0]))
	}
	return reference("schemas/" + string(name))
}
