//go:build unix

package contract

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// Every bound of every request, through the true server: the limit itself is
// no violation, one beyond is exactly that violation. Both databases are asked
// for values in the limits, which may meet them.
func TestLimits(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		checked := 0
		for _, p := range places() {
			if unsupported(p.field()) {
				continue
			}
			rules, err := protovalidate.ResolveFieldRules(p.field())
			if err != nil {
				t.Fatal(err)
			}
			checked += w.checkLimits(t, p, rules)
		}
		if checked < 90 {
			t.Errorf("only %d limits were checked", checked)
		}
	})
}

// checkLimits checks the limits of a field and returns how many there are.
func (w world) checkLimits(t *testing.T, p place, rules *validate.FieldRules) (checked int) {
	t.Helper()
	field := p.field()
	if field.IsList() {
		checked += w.checkItems(t, p, rules.GetRepeated())
		rules = rules.GetRepeated().GetItems()
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		text := rules.GetString()
		if text.MaxLen != nil {
			w.checkText(t, p, int(text.GetMaxLen()), true)
			w.checkText(t, p, int(text.GetMaxLen())+1, false)
			checked++
		}
		if text.GetMinLen() > 0 {
			w.checkText(t, p, int(text.GetMinLen()), true)
			w.checkText(t, p, int(text.GetMinLen())-1, false)
			checked++
		}
	case protoreflect.BytesKind:
		limit := int(rules.GetBytes().GetMaxLen())
		for n, good := range map[int]bool{limit: true, limit + 1: false} {
			value := protoreflect.ValueOfBytes(bytes.Repeat([]byte("a"), n))
			if strings.Contains(string(field.Name()), "key") {
				value = protoreflect.ValueOfBytes(publicKey(t, n))
			}
			w.try(t, p, p.path(false), good, n, func(m protoreflect.Message) { m.Set(field, value) })
		}
		checked++
	}
	return checked
}

func (w world) checkText(t *testing.T, p place, n int, good bool) {
	t.Helper()
	field := p.field()
	text := textOf(field, n)
	if text == "" && n > 0 {
		if good {
			return // no text is so short and of the form of the field
		}
		t.Fatalf("%s: no text of %d characters", p, n)
	}
	w.try(t, p, p.path(true), good, n, func(m protoreflect.Message) {
		if field.IsList() {
			m.Mutable(field).List().Append(protoreflect.ValueOfString(text))
		} else {
			m.Set(field, protoreflect.ValueOfString(text))
		}
	})
}

func (w world) checkItems(t *testing.T, p place, rules *validate.RepeatedRules) int {
	t.Helper()
	if rules.MaxItems == nil {
		return 0
	}
	field := p.field()
	limit := int(rules.GetMaxItems())
	for n, good := range map[int]bool{limit: true, limit + 1: false} {
		w.try(t, p, p.path(false), good, n, func(m protoreflect.Message) {
			list := m.Mutable(field).List()
			for range n {
				switch {
				case field.Message() != nil:
					fill(t, list.AppendMutable().Message(), nil)
				case field.Enum() != nil:
					list.Append(protoreflect.ValueOfEnum(field.Enum().Values().Get(0).Number()))
				case field.Name() == "roles" && p.method.Parent().Name() == "ManagementService":
					list.Append(protoreflect.ValueOfString("ORG_OWNER_VIEWER"))
				case field.Name() == "roles":
					list.Append(protoreflect.ValueOfString("IAM_OWNER_VIEWER"))
				default:
					list.Append(protoreflect.ValueOfString(textOf(field, 12)))
				}
			}
		})
	}
	return 1
}

// try makes the call with the field set, and checks what is said of the path.
func (w world) try(t *testing.T, p place, path string, good bool, n int, set func(protoreflect.Message)) {
	t.Helper()
	request, within := w.request(t, p)
	set(within)
	err := call(t, w.mighty(p.method), p.method, request)
	found, code := violations(t, err), codeOf(err)
	switch {
	case code == connect.CodeInternal || code == connect.CodeUnknown:
		t.Errorf("%s with %d: %v", p, n, err)
	case good && slices.Contains(slices.Collect(maps.Keys(found)), path):
		t.Errorf("%s: %d is within the limit, but violates %v: %v", p, n, found, err)
	case !good && isObject(p):
		// An id that cannot be is unknown, like any other that is not there.
		if code != connect.CodeNotFound {
			t.Errorf("%s with %d: got %v, want not found", p, n, err)
		}
	case !good && (code != connect.CodeInvalidArgument || len(found) != 1 || found[path] == nil):
		t.Errorf("%s: %d is beyond the limit, but violates %v: %v", p, n, found, err)
	}
}

// isObject reports whether the field names the object of the method's rule.
func isObject(p place) bool {
	object := permission.RuleOf(p.method).GetObject()
	return len(p.way) == 1 && object.GetField() == string(p.field().Name())
}
