package main

import (
	"fmt"
	"math"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// rulesOf returns what a field is checked with; nil if it is not.
func rulesOf(field *protogen.Field) *validate.FieldRules {
	rules, _ := proto.GetExtension(field.Desc.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

func oneofRequired(oneof *protogen.Oneof) bool {
	rules, _ := proto.GetExtension(oneof.Desc.Options(), validate.E_Oneof).(*validate.OneofRules)
	return rules.GetRequired()
}

// required reports whether a request without the field is refused. Where a field
// cannot be told from its zero value, that is so if the zero value is.
func required(field *protogen.Field) bool {
	rules := rulesOf(field)
	if rules.GetRequired() {
		return true
	}
	if field.Desc.HasPresence() {
		return false
	}
	for _, zero := range rules.GetEnum().GetNotIn() {
		if zero == 0 {
			return true
		}
	}
	return rules.GetString().GetMinLen() > 0 || rules.GetBytes().GetMinLen() > 0 || rules.GetRepeated().GetMinItems() > 0 ||
		rules.GetUint32().GetGte() > 0 || rules.GetUint64().GetGte() > 0 || rules.GetBool().GetConst()
}

// single returns the schema of one value of a field, within its bounds.
func (s *schemas) single(field *protogen.Field, rules *validate.FieldRules) object {
	switch kind := field.Desc.Kind(); kind {
	case protoreflect.MessageKind:
		return s.message(field.Message)
	case protoreflect.EnumKind:
		return enumBounds(field.Enum, s.enum(field.Enum), rules.GetEnum())
	case protoreflect.StringKind:
		return stringBounds(object{}.set("type", "string"), rules.GetString())
	case protoreflect.BytesKind:
		return bytesBounds(object{}.set("type", "string").set("contentEncoding", "base64"), rules.GetBytes())
	case protoreflect.BoolKind:
		o := object{}.set("type", "boolean")
		if r := rules.GetBool(); r != nil && r.Const != nil {
			o = o.set("const", r.GetConst())
		}
		return o
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return object{}.set("type", "integer").set("format", "int32")
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		lowest, highest := uint32(0), uint32(math.MaxUint32)
		if r := rules.GetUint32(); r.GetLessThan() != nil {
			highest = r.GetLte()
		}
		if r := rules.GetUint32(); r.GetGreaterThan() != nil {
			lowest = r.GetGte()
		}
		return object{}.set("type", "integer").set("format", "int64").set("minimum", lowest).set("maximum", highest)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return object{}.set("type", "string").set("format", "int64").set("pattern", `^-?[0-9]{1,19}$`)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return object{}.set("type", "string").set("format", "uint64").set("pattern", `^[0-9]{1,20}$`)
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return object{}.set("type", "number").set("format", kind.String())
	default:
		panic(fmt.Sprintf("openapi: the JSON of %s is not described", kind))
	}
}

func stringBounds(o object, r *validate.StringRules) object {
	if r.GetEmail() {
		o = o.set("format", "email")
	}
	if r.GetMinLen() > 0 {
		o = o.set("minLength", r.GetMinLen())
	}
	most := r.GetMaxLen()
	// A character has one byte at least.
	if r.GetMaxBytes() > 0 && (most == 0 || r.GetMaxBytes() < most) {
		most = r.GetMaxBytes()
	}
	if most > 0 {
		o = o.set("maxLength", most)
	}
	return o.text("pattern", r.GetPattern())
}

// bytesBounds bounds the base64 of bytes, which may have padding or none.
func bytesBounds(o object, r *validate.BytesRules) object {
	if r.GetMinLen() > 0 {
		o = o.set("minLength", (r.GetMinLen()*4+2)/3)
	}
	if r.GetMaxLen() > 0 {
		o = o.set("maxLength", (r.GetMaxLen()+2)/3*4)
	}
	return o
}

func enumBounds(enum *protogen.Enum, o object, r *validate.EnumRules) object {
	var refused []string
	for _, number := range r.GetNotIn() {
		if value := enum.Desc.Values().ByNumber(protoreflect.EnumNumber(number)); value != nil {
			refused = append(refused, string(value.Name()))
		}
	}
	if len(refused) > 0 {
		o = o.set("not", object{}.set("enum", refused))
	}
	return o
}

// bounds returns the bounds of a list.
func bounds(r *validate.RepeatedRules) (o object) {
	if r.GetMinItems() > 0 {
		o = o.set("minItems", r.GetMinItems())
	}
	if r.GetMaxItems() > 0 {
		o = o.set("maxItems", r.GetMaxItems())
	}
	if r.GetUnique() {
		o = o.set("uniqueItems", true)
	}
	return o
}

// atLeastOne returns the schema of a text that is part of a path, which cannot
// be empty.
func atLeastOne(schema object) object {
	for _, m := range schema {
		if m.name == "minLength" || m.name == "$ref" {
			return schema
		}
	}
	return append(schema[:len(schema):len(schema)], member{"minLength", 1})
}

// describeRules says what a schema cannot.
func describeRules(rules *validate.FieldRules) string {
	switch {
	case rules.GetString().GetMaxBytes() > 0:
		return fmt.Sprintf("At most %d bytes in UTF-8.", rules.GetString().GetMaxBytes())
	case rules.GetUint64().GetLessThan() != nil:
		return fmt.Sprintf("From %d to %d.", rules.GetUint64().GetGte(), rules.GetUint64().GetLte())
	case rules.GetTimestamp().GetGtNow():
		return "It has to be in the future."
	case rules.GetDuration().GetLte() != nil:
		return fmt.Sprintf("From %s to %s.", rules.GetDuration().GetGte().AsDuration(), rules.GetDuration().GetLte().AsDuration())
	default:
		return ""
	}
}
