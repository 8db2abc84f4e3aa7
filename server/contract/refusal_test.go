//go:build unix

package contract

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/servertest"
)

// What is declared and not acted on yet is refused by name, never ignored.
func TestUnsupported(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	w := newWorld(t, s)
	checked := 0
	for _, p := range places() {
		field := p.field()
		if unsupported(field) {
			checked++
			w.refuses(t, p, p.path(false), func(m protoreflect.Message) { setAny(m, field) })
		}
		if field.Enum() == nil {
			continue
		}
		for i := range field.Enum().Values().Len() {
			value := field.Enum().Values().Get(i)
			if !proto.GetExtension(value.Options(), bastidev1.E_UnsupportedValue).(bool) {
				continue
			}
			checked++
			w.refuses(t, p, p.path(true)+": "+string(value.Name()), func(m protoreflect.Message) {
				put(field, protoreflect.ValueOfEnum(value.Number()))(m)
			})
		}
	}
	if checked < 8 {
		t.Errorf("only %d fields and values were checked", checked)
	}
}

// refuses checks that a call is answered with Unimplemented and what it names.
func (w world) refuses(t *testing.T, p place, name string, set func(protoreflect.Message)) {
	t.Helper()
	request, within := w.request(t, p)
	set(within)
	before := w.server.Rows(t)
	err := call(t, w.mighty(p.method), p.method, request)
	servertest.Refused(t, err, connect.CodeUnimplemented, fault.FieldUnsupported.With("").ID())
	if err != nil && !strings.Contains(err.Error(), ": "+name+" is not supported") {
		t.Errorf("%s: the error does not name %q: %v", p, name, err)
	}
	servertest.SameRows(t, before, w.server.Rows(t))
}

// setAny sets a field to something that is not its zero value.
func setAny(m protoreflect.Message, field protoreflect.FieldDescriptor) {
	switch {
	case field.IsList() && field.Message() != nil:
		m.Mutable(field).List().AppendMutable()
	case field.Message() != nil:
		m.Mutable(field)
	case field.Kind() == protoreflect.BoolKind:
		m.Set(field, protoreflect.ValueOfBool(true))
	case field.Kind() == protoreflect.StringKind:
		m.Set(field, protoreflect.ValueOfString("x"))
	default:
		panic("the tests cannot set a " + field.Kind().String())
	}
}

// No database of ours may be asked to keep U+0000, and no text may end in the
// middle where another program reads it.
func TestNUL(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		checked := 0
		for _, p := range places() {
			if p.field().Kind() != protoreflect.StringKind || unsupported(p.field()) {
				continue
			}
			checked++
			w.refusesNUL(t, p, servertest.ConnectJSON, "\x00")
			w.refusesNUL(t, p, servertest.REST, "a\x00b") // where it may stand in the path
		}
		if checked < 337 {
			t.Errorf("only %d fields were checked", checked)
		}
	})
}

// refusesNUL checks that a call is refused for a text, and that the field is
// named.
func (w world) refusesNUL(t *testing.T, p place, protocol servertest.Protocol, text string) {
	t.Helper()
	request, within := w.request(t, p)
	put(p.field(), protoreflect.ValueOfString(text))(within)
	err := call(t, w.mighty(p.method).Via(protocol), p.method, request)
	if found := violations(t, err); codeOf(err) != connect.CodeInvalidArgument || faultOf(t, err) != fault.TextHasNUL.With().ID() || len(found) != 1 || found[p.path(true)] == nil {
		t.Errorf("%s by %s: %q violates %v: %v", p, protocol, text, found, err)
	}
}

// A caller that is told nothing else learns that a value is not defined.
func TestEnumsTakeDefinedValuesOnly(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	w := newWorld(t, s)
	checked := 0
	for _, p := range places() {
		field := p.field()
		if field.Enum() == nil {
			continue
		}
		checked++
		request, within := w.request(t, p)
		put(field, protoreflect.ValueOfEnum(12345))(within)
		err := call(t, w.mighty(p.method).Via(servertest.ConnectProto), p.method, request)
		if found := violations(t, err); codeOf(err) != connect.CodeInvalidArgument || len(found) != 1 || found[p.path(true)] == nil {
			t.Errorf("%s: violates %v: %v", p, found, err)
		}
	}
	if checked < 81 {
		t.Errorf("only %d fields were checked", checked)
	}
}
