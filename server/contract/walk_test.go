//go:build unix

package contract

import (
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/permission"
)

func TestEveryMethodIsWhole(t *testing.T) {
	if len(methods()) < 210 {
		t.Fatalf("only %d methods are registered", len(methods()))
	}
	paths := make(map[string]protoreflect.FullName)
	for _, method := range methods() {
		checkRule(t, method)
		rest, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
		at := restPath(rest)
		switch other := paths[at]; {
		case withoutREST[method.FullName()]:
			if at != "" {
				t.Errorf("%s has a REST path now: take it off the list", method.FullName())
			}
			continue
		case at == "":
			t.Errorf("%s has no REST path", method.FullName())
		case other != "":
			t.Errorf("%s has the REST path of %s", method.FullName(), other)
		}
		paths[at] = method.FullName()
		checkBounds(t, method.Input(), make(map[protoreflect.FullName]bool))
	}
}

// Clients repeat a method that is declared to be without side effects when the
// server was not available, and no other.
func TestReadsAndNothingElseAreDeclaredWithoutSideEffects(t *testing.T) {
	for _, method := range methods() {
		read := slices.ContainsFunc([]string{"Get", "List", "Is", "Exists", "Healthz"}, func(prefix string) bool {
			return strings.HasPrefix(string(method.Name()), prefix)
		})
		options, _ := method.Options().(*descriptorpb.MethodOptions)
		if declared := options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS; declared != read {
			t.Errorf("%s is declared to be without side effects: %t", method.FullName(), declared)
		}
	}
}

// withoutREST are the methods that the contract gives no REST path.
var withoutREST = map[protoreflect.FullName]bool{
	"zitadel.webkey.v2.WebKeyService.CreateWebKey":   true,
	"zitadel.webkey.v2.WebKeyService.ActivateWebKey": true,
}

// restPath returns the verb and path of a binding.
func restPath(rule *annotations.HttpRule) string {
	switch {
	case rule.GetGet() != "":
		return "GET " + rule.GetGet()
	case rule.GetPost() != "":
		return "POST " + rule.GetPost()
	case rule.GetPut() != "":
		return "PUT " + rule.GetPut()
	case rule.GetDelete() != "":
		return "DELETE " + rule.GetDelete()
	case rule.GetPatch() != "":
		return "PATCH " + rule.GetPatch()
	}
	return ""
}

func checkRule(t *testing.T, method protoreflect.MethodDescriptor) {
	t.Helper()
	rule := permission.RuleOf(method)
	switch on := rule.GetOn(); on {
	case bastidev1.On_ON_UNSPECIFIED:
		t.Errorf("%s has no rule", method.FullName())
	case bastidev1.On_ON_PUBLIC, bastidev1.On_ON_HOST, bastidev1.On_ON_AUTHENTICATED:
		if rule.GetPermission() != "" || rule.GetObject() != nil {
			t.Errorf("%s needs a permission or object %s", method.FullName(), on)
		}
	default:
		free := on == bastidev1.On_ON_SELF && rule.GetPermission() == ""
		if !free && len(rolesWith(t, rule.GetPermission())) == 0 {
			t.Errorf("%s: no role has the permission %q", method.FullName(), rule.GetPermission())
		}
	}
	object := rule.GetObject()
	if object == nil {
		return
	}
	field := method.Input().Fields().ByName(protoreflect.Name(object.GetField()))
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		t.Errorf("%s: its request has no string %q", method.FullName(), object.GetField())
	}
	names := map[bastidev1.Kind][]string{
		bastidev1.Kind_KIND_INSTANCE: {"instance_id"},
		bastidev1.Kind_KIND_USER:     {"user_id", "id"},
		bastidev1.Kind_KIND_PROJECT:  {"project_id", "id"},
	}
	if !slices.Contains(names[object.GetKind()], object.GetField()) {
		t.Errorf("%s: the %s is named by %q", method.FullName(), object.GetKind(), object.GetField())
	}
}

// checkBounds checks that nothing in a request can be of any size.
func checkBounds(t *testing.T, message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	t.Helper()
	if seen[message.FullName()] || strings.HasPrefix(string(message.FullName()), "google.protobuf.") {
		return
	}
	seen[message.FullName()] = true
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		rules, err := protovalidate.ResolveFieldRules(field)
		if err != nil {
			t.Fatal(err)
		}
		of := rules
		if field.IsMap() {
			t.Errorf("%s is a map, whose bounds this test does not know", field.FullName())
		}
		if field.IsList() {
			if rules.GetRepeated().MaxItems == nil {
				t.Errorf("%s: no bound on its length", field.FullName())
			}
			of = rules.GetRepeated().GetItems()
		}
		switch field.Kind() {
		case protoreflect.StringKind:
			if of.GetString().MaxLen == nil {
				t.Errorf("%s: no bound on its characters", field.FullName())
			}
		case protoreflect.BytesKind:
			if of.GetBytes().MaxLen == nil {
				t.Errorf("%s: no bound on its bytes", field.FullName())
			}
		case protoreflect.EnumKind:
			if !of.GetEnum().GetDefinedOnly() {
				t.Errorf("%s: takes values that are not defined", field.FullName())
			}
		case protoreflect.MessageKind:
			checkBounds(t, field.Message(), seen)
		}
	}
}
