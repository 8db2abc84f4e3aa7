package reference_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bastide-id/bastide/gen/openapi"
	"github.com/bastide-id/bastide/server/permission"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// description is what the tests read of the document.
type description struct {
	Paths map[string]map[string]operation
}

type operation struct {
	OperationID string
	Summary     string
	Description string
	Tags        []string
	Parameters  []struct {
		Ref      string `json:"$ref"`
		Name, In string
	}
	RequestBody struct {
		Required bool
		Content  map[string]struct{ Schema json.RawMessage }
	}
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema json.RawMessage }
	}
	Security *[]map[string][]string
}

func document(t testing.TB) (d description) {
	t.Helper()
	if err := json.Unmarshal([]byte(openapi.Document), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// oauthOperations are those of no service.
var oauthOperations = []string{
	"get /.well-known/oauth-authorization-server", "get /.well-known/openid-configuration",
	"get /oauth/v2/keys", "get /oidc/v1/userinfo",
	"post /oauth/v2/introspect", "post /oauth/v2/revoke", "post /oauth/v2/token", "post /oidc/v1/userinfo",
}

// TestEveryBinding compares the document with the contract, method by method.
func TestEveryBinding(t *testing.T) {
	d := document(t)
	var got []string
	for path, operations := range d.Paths {
		for verb := range operations {
			got = append(got, verb+" "+path)
		}
	}
	want := slices.Clone(oauthOperations)
	for method := range methods() {
		bindings := bindingsOf(method)
		want = append(want, bindings...)
		for _, binding := range bindings {
			verb, path, _ := strings.Cut(binding, " ")
			checkOperation(t, method, d.Paths[path][verb], path)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the document has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// checkOperation asserts what an operation says of its method.
func checkOperation(t *testing.T, method protoreflect.MethodDescriptor, o operation, path string) {
	t.Helper()
	service := string(method.Parent().Name())
	if o.OperationID != service+"_"+string(method.Name()) || !slices.Equal(o.Tags, []string{service}) || o.Summary == "" {
		t.Errorf("%s: %q of %v, %q", method.FullName(), o.OperationID, o.Tags, o.Summary)
	}
	rule := permission.RuleOf(method)
	if !strings.Contains(o.Description, "Permission: ") || !strings.Contains(o.Description, rule.GetPermission()) {
		t.Errorf("%s: the description does not name the permission: %q", method.FullName(), o.Description)
	}
	public := rule.GetOn() == bastidev1.On_ON_PUBLIC || rule.GetOn() == bastidev1.On_ON_HOST
	if none := o.Security != nil && len(*o.Security) == 0; none != public {
		t.Errorf("%s: open to everybody: %t, want %t", method.FullName(), none, public)
	}
	fields := map[string]bool{}
	var organization bool
	for _, p := range o.Parameters {
		fields[p.Name] = p.In == "path"
		organization = organization || p.Ref == "#/components/parameters/Organization"
	}
	if organization != (rule.GetOn() == bastidev1.On_ON_HEADER_ORG) {
		t.Errorf("%s: the header of the organization: %t", method.FullName(), organization)
	}
	for _, variable := range regexp.MustCompile(`\{(.*?)\}`).FindAllStringSubmatch(path, -1) {
		if !fields[variable[1]] {
			t.Errorf("%s: the path has no parameter %s", method.FullName(), variable[1])
		}
	}
	status, _ := proto.GetExtension(method.Options(), bastidev1.E_SuccessStatus).(uint32)
	want := []string{"200", "default"}
	if status == 201 {
		want[0] = "201"
	}
	if got := slices.Sorted(maps.Keys(o.Responses)); !slices.Equal(got, want) {
		t.Errorf("%s: responses %v, want %v", method.FullName(), got, want)
	}
}

// methods are those of all services.
func methods() func(yield func(protoreflect.MethodDescriptor) bool) {
	return func(yield func(protoreflect.MethodDescriptor) bool) {
		protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
			if !strings.HasPrefix(string(file.Package()), "zitadel.") {
				return true
			}
			for i := range file.Services().Len() {
				all := file.Services().Get(i).Methods()
				for j := range all.Len() {
					if !yield(all.Get(j)) {
						return false
					}
				}
			}
			return true
		})
	}
}

// bindingsOf returns the verbs and paths of a method as the document has them.
func bindingsOf(method protoreflect.MethodDescriptor) (all []string) {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return []string{"post /" + string(method.Parent().FullName()) + "/" + string(method.Name())}
	}
	for _, one := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		verb := map[bool]string{one.GetGet() != "": "get", one.GetPost() != "": "post", one.GetPut() != "": "put", one.GetDelete() != "": "delete"}[true]
		path := one.GetGet() + one.GetPost() + one.GetPut() + one.GetDelete()
		all = append(all, verb+" "+strings.ReplaceAll(path, "=**", ""))
	}
	return all
}

// TestOperationIDs are what generators name functions by.
func TestOperationIDs(t *testing.T) {
	seen := map[string]string{}
	for path, operations := range document(t).Paths {
		for verb, o := range operations {
			if before := seen[o.OperationID]; o.OperationID == "" || before != "" {
				t.Errorf("%s %s and %s are both named %q", verb, path, before, o.OperationID)
			}
			seen[o.OperationID] = verb + " " + path
		}
	}
}
