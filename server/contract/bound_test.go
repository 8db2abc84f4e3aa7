//go:build unix

package contract

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// bound is something that a rule asks of a field.
type bound struct {
	// rule is its id, as errors give it.
	rule string
	// path is what errors name.
	path string
	// within sets what keeps to it; nil if the form of the field has nothing so
	// short or long.
	within func(protoreflect.Message)
	beyond func(protoreflect.Message)
}

// bounds returns all bounds of a field, and of its oneof with the first field.
func bounds(t *testing.T, p place, rules *validate.FieldRules) (all []bound) {
	t.Helper()
	field := p.field()
	nothing := func(protoreflect.Message) {}
	if rules.GetRequired() {
		all = append(all, bound{rule: "required", path: p.path(false), beyond: nothing})
	}
	if oneof := field.ContainingOneof(); oneof != nil && oneof.Fields().Get(0) == field {
		of, err := protovalidate.ResolveOneofRules(oneof)
		if err != nil {
			t.Fatal(err)
		}
		if of.GetRequired() {
			path := strings.TrimSuffix(p.path(false), string(field.Name())) + string(oneof.Name())
			all = append(all, bound{rule: "required", path: path, beyond: nothing})
		}
	}
	if field.IsList() {
		all = append(all, boundsOfList(t, p, rules.GetRepeated())...)
		rules = rules.GetRepeated().GetItems()
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		all = append(all, boundsOfText(t, p, rules.GetString())...)
	case protoreflect.BytesKind:
		all = append(all, boundsOfBytes(t, p, rules.GetBytes())...)
	case protoreflect.EnumKind:
		for _, number := range rules.GetEnum().GetNotIn() {
			all = append(all, bound{rule: "enum.not_in", path: p.path(true), beyond: put(field, protoreflect.ValueOfEnum(protoreflect.EnumNumber(number)))})
		}
	case protoreflect.BoolKind:
		if of := rules.GetBool(); of != nil && of.Const != nil {
			value := of.GetConst()
			all = append(all, bound{rule: "bool.const", path: p.path(true), within: put(field, protoreflect.ValueOfBool(value)), beyond: put(field, protoreflect.ValueOfBool(!value))})
		}
	default:
		all = append(all, boundsOfNumber(p, rules)...)
	}
	return all
}

// put returns what gives a field a value; to a list it is added.
func put(field protoreflect.FieldDescriptor, value protoreflect.Value) func(protoreflect.Message) {
	return func(m protoreflect.Message) {
		if field.IsList() {
			m.Mutable(field).List().Append(value)
		} else {
			m.Set(field, value)
		}
	}
}

func boundsOfText(t *testing.T, p place, rules *validate.StringRules) (all []bound) {
	t.Helper()
	field := p.field()
	add := func(rule string, within, beyond string) {
		b := bound{rule: rule, path: p.path(true), beyond: put(field, protoreflect.ValueOfString(beyond))}
		if within != "" {
			b.within = put(field, protoreflect.ValueOfString(within))
		}
		all = append(all, b)
	}
	if n := int(rules.GetMaxLen()); n > 0 {
		add("string.max_len", textOf(t, field, n), textOf(t, field, n+1))
	}
	if n := int(rules.GetMinLen()); n > 0 {
		add("string.min_len", textOf(t, field, n), textOf(t, field, n-1))
	}
	if n := int(rules.GetMaxBytes()); n > 0 {
		add("string.max_bytes", strings.Repeat("a", n), strings.Repeat("a", n-1)+"ß")
	}
	if rules.GetEmail() {
		add("string.email", textOf(t, field, 20), "nobody")
	}
	if prefix := rules.GetPrefix(); prefix != "" {
		add("string.prefix", textOf(t, field, 20), "0"+textOf(t, field, 20))
	}
	return all
}

func boundsOfBytes(t *testing.T, p place, rules *validate.BytesRules) (all []bound) {
	t.Helper()
	of := func(n int) func(protoreflect.Message) {
		if n > 0 && strings.Contains(string(p.field().Name()), "key") {
			return put(p.field(), protoreflect.ValueOfBytes(publicKey(t, n)))
		}
		return put(p.field(), protoreflect.ValueOfBytes(bytes.Repeat([]byte("a"), n)))
	}
	if n := int(rules.GetMaxLen()); n > 0 {
		all = append(all, bound{rule: "bytes.max_len", path: p.path(true), within: of(n), beyond: of(n + 1)})
	}
	if n := int(rules.GetMinLen()); n == 1 { // no key is so short
		all = append(all, bound{rule: "bytes.min_len", path: p.path(true), beyond: of(0)})
	}
	return all
}

// boundsOfNumber are those of numbers, durations and times.
func boundsOfNumber(p place, rules *validate.FieldRules) (all []bound) {
	add := func(rule string, within, beyond protoreflect.Value) {
		all = append(all, bound{rule: rule, path: p.path(true), within: put(p.field(), within), beyond: put(p.field(), beyond)})
	}
	if of := rules.GetUint64(); of != nil {
		whole := protoreflect.ValueOfUint64
		add("uint64.gte_lte", whole(of.GetLte()), whole(of.GetLte()+1))
		add("uint64.gte_lte", whole(of.GetGte()), whole(of.GetGte()-1))
	}
	if of := rules.GetUint32(); of != nil {
		whole := protoreflect.ValueOfUint32
		add("uint32.gte_lte", whole(of.GetLte()), whole(of.GetLte()+1))
		add("uint32.gte_lte", whole(of.GetGte()), whole(of.GetGte()-1))
	}
	lasting := func(d time.Duration) protoreflect.Value {
		return protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect())
	}
	if of := rules.GetDuration(); of != nil {
		most, least := of.GetLte().AsDuration(), of.GetGte().AsDuration()
		add("duration.gte_lte", lasting(most), lasting(most+1))
		add("duration.gte_lte", lasting(least), lasting(least-1))
	}
	at := func(year int) protoreflect.Value {
		return protoreflect.ValueOfMessage(timestamppb.New(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)).ProtoReflect())
	}
	if rules.GetTimestamp().GetGtNow() {
		add("timestamp.gt_now", at(2200), at(2020))
	}
	return all
}

func boundsOfList(t *testing.T, p place, rules *validate.RepeatedRules) (all []bound) {
	t.Helper()
	field := p.field()
	of := func(n int) func(protoreflect.Message) {
		return func(m protoreflect.Message) {
			list := m.Mutable(field).List()
			for i := range n {
				if field.Message() == nil {
					list.Append(valueOf(t, field))
					continue
				}
				element := list.AppendMutable().Message()
				fill(t, element, nil)
				if key := field.Message().Fields().ByName("key"); key != nil { // of which there is one each
					element.Set(key, protoreflect.ValueOfString(fmt.Sprintf("key-%d", i)))
				}
			}
		}
	}
	if n := int(rules.GetMaxItems()); n > 0 {
		all = append(all, bound{rule: "repeated.max_items", path: p.path(false), within: of(n), beyond: of(n + 1)})
	}
	if n := int(rules.GetMinItems()); n > 0 {
		all = append(all, bound{rule: "repeated.min_items", path: p.path(false), within: of(n), beyond: of(n - 1)})
	}
	return all
}
