package wire

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/fault"
)

// inspector finds in a request what no validation rule says: texts with U+0000
// and times out of range, which not every database can store, and fields that
// are not acted on yet.
type inspector struct {
	// plans has, by message, the fields to look at.
	plans map[protoreflect.FullName][]plan
}

// plan is a field to look at.
type plan struct {
	field       protoreflect.FieldDescriptor
	unsupported bool
	// values are the enum values that are not acted on yet.
	values map[protoreflect.EnumNumber]string
}

func newInspector() *inspector {
	return &inspector{plans: make(map[protoreflect.FullName][]plan)}
}

// add makes the plans of a message and of all messages within.
func (i *inspector) add(message protoreflect.MessageDescriptor) {
	if _, known := i.plans[message.FullName()]; known {
		return
	}
	i.plans[message.FullName()] = nil
	var plans []plan
	for n := range message.Fields().Len() {
		field := message.Fields().Get(n)
		p := plan{
			field:       field,
			unsupported: proto.GetExtension(field.Options(), bastidev1.E_Unsupported).(bool),
			values:      unsupportedValues(field.Enum()),
		}
		if field.Message() != nil {
			i.add(field.Message())
		}
		if p.unsupported || len(p.values) > 0 || field.Message() != nil || field.Kind() == protoreflect.StringKind {
			plans = append(plans, p)
		}
	}
	i.plans[message.FullName()] = plans
}

func unsupportedValues(enum protoreflect.EnumDescriptor) map[protoreflect.EnumNumber]string {
	if enum == nil {
		return nil
	}
	values := make(map[protoreflect.EnumNumber]string)
	for n := range enum.Values().Len() {
		value := enum.Values().Get(n)
		if proto.GetExtension(value.Options(), bastidev1.E_UnsupportedValue).(bool) {
			values[value.Number()] = string(value.Name())
		}
	}
	return values
}

// inspect returns fault.FieldUnsupported, fault.TextHasNUL, fault.TimeInvalid or
// fault.DurationInvalid for the first field that must not be as it is.
func (i *inspector) inspect(m protoreflect.Message) error {
	found := i.message(m)
	switch {
	case found == nil:
		return nil
	case found.what == fault.FieldUnsupported:
		return found.what.With(found.path)
	default:
		return found.what.Field(found.path)
	}
}

// finding is a field that must not be as it is, and what is wrong with it; its
// path is put together on the way out, so that a request without one costs no
// memory.
type finding struct {
	path string
	what fault.Definition
}

// below returns the finding as seen from the message around.
func (f *finding) below(parent string) *finding {
	if f != nil {
		f.path = parent + "." + f.path
	}
	return f
}

func (i *inspector) message(m protoreflect.Message) *finding {
	for _, p := range i.plans[m.Descriptor().FullName()] {
		if !m.Has(p.field) {
			continue
		}
		if found := i.field(p, m.Get(p.field)); found != nil {
			return found
		}
	}
	return nil
}

func (i *inspector) field(p plan, value protoreflect.Value) *finding {
	name := string(p.field.Name())
	switch {
	case p.unsupported:
		return &finding{path: name, what: fault.FieldUnsupported}
	case p.field.IsMap():
		return i.entries(p, value.Map())
	case !p.field.IsList():
		return i.value(p, value, func() string { return name })
	}
	list := value.List()
	for n := range list.Len() {
		at := func() string { return fmt.Sprintf("%s[%d]", name, n) }
		if found := i.value(p, list.Get(n), at); found != nil {
			return found
		}
	}
	return nil
}

// entries looks at a map, whose field descriptor is that of its entries.
func (i *inspector) entries(p plan, entries protoreflect.Map) (found *finding) {
	name := string(p.field.Name())
	of := plan{field: p.field.MapValue(), values: unsupportedValues(p.field.MapValue().Enum())}
	entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		at := func() string { return fmt.Sprintf("%s[%q]", name, key.String()) }
		if strings.ContainsRune(key.String(), 0) {
			found = &finding{path: at(), what: fault.TextHasNUL}
		} else {
			found = i.value(of, value, at)
		}
		return found == nil
	})
	return found
}

// value looks at one value; at names its place.
func (i *inspector) value(p plan, value protoreflect.Value, at func() string) *finding {
	switch p.field.Kind() {
	case protoreflect.StringKind:
		if strings.IndexByte(value.String(), 0) >= 0 {
			return &finding{path: at(), what: fault.TextHasNUL}
		}
	case protoreflect.EnumKind:
		if value, unsupported := p.values[value.Enum()]; unsupported {
			return &finding{path: at() + ": " + value, what: fault.FieldUnsupported}
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if what, wrong := outOfRange(value.Message()); wrong {
			return &finding{path: at(), what: what}
		}
		if found := i.message(value.Message()); found != nil {
			return found.below(at())
		}
	}
	return nil
}

// outOfRange reports whether a message is a time or a duration that is none. In
// JSON they cannot be written, but in other codecs they are any two numbers.
func outOfRange(m protoreflect.Message) (what fault.Definition, wrong bool) {
	switch value := m.Interface().(type) {
	case *timestamppb.Timestamp:
		return fault.TimeInvalid, !value.IsValid()
	case *durationpb.Duration:
		return fault.DurationInvalid, !value.IsValid()
	default:
		return fault.Definition{}, false
	}
}
