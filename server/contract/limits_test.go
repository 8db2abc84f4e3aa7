//go:build unix

package contract

import (
	"slices"
	"testing"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// Every bound of every request, through the true server: what is within does not
// break the rule, what is beyond breaks it and nothing else. Both databases are
// asked for values in the limits, which may meet them.
func TestLimits(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		checked := make(map[string]int)
		for _, p := range places() {
			if unsupported(p.field()) {
				continue
			}
			rules, err := protovalidate.ResolveFieldRules(p.field())
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range bounds(t, p, rules) {
				w.checkBound(t, p, b)
				checked[b.rule]++
			}
		}
		for rule, least := range leastChecked {
			if checked[rule] < least {
				t.Errorf("only %d bounds of the kind %s were checked", checked[rule], rule)
			}
		}
	})
}

// leastChecked are how many bounds there are, by rule: fewer are not found only
// when the search for them is broken.
var leastChecked = map[string]int{
	"bool.const": 1, "bytes.max_len": 5, "bytes.min_len": 4, "duration.gte_lte": 4, "enum.not_in": 4, "repeated.max_items": 55,
	"repeated.min_items": 2, "required": 35, "string.email": 7, "string.max_bytes": 2, "string.max_len": 337, "string.min_len": 209,
	"string.prefix": 5, "timestamp.gt_now": 5, "uint32.gte_lte": 2, "uint64.gte_lte": 4,
}

// checkBound makes the call with a value within the bound, and with one beyond.
func (w world) checkBound(t *testing.T, p place, b bound) {
	t.Helper()
	if b.within != nil {
		err := w.try(t, p, b.within)
		if found := violations(t, err); slices.Contains(found[b.path], b.rule) {
			t.Errorf("%s: what is within %s violates %v: %v", p, b.rule, found, err)
		}
	}
	err := w.try(t, p, b.beyond)
	found, code := violations(t, err), codeOf(err)
	switch {
	case isObject(p):
		// An id that cannot be is unknown, like any other that is not there.
		if code != connect.CodeNotFound {
			t.Errorf("%s beyond %s: got %v, want not found", p, b.rule, err)
		}
	case code != connect.CodeInvalidArgument || len(found) != 1 || !slices.Contains(found[b.path], b.rule):
		t.Errorf("%s: what is beyond %s violates %v: %v", p, b.rule, found, err)
	}
}

// try makes the call with the field set.
func (w world) try(t *testing.T, p place, set func(protoreflect.Message)) error {
	t.Helper()
	request, within := w.request(t, p)
	set(within)
	err := call(t, w.mighty(p.method), p.method, request)
	if code := codeOf(err); code == connect.CodeInternal || code == connect.CodeUnknown {
		t.Errorf("%s: %v", p, err)
	}
	return err
}

// isObject reports whether the field names the object of the method's rule.
func isObject(p place) bool {
	object := permission.RuleOf(p.method).GetObject()
	return len(p.way) == 1 && object.GetField() == string(p.field().Name())
}
