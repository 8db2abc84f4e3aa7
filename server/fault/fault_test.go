package fault

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
)

var update = flag.Bool("update", false, "write the ids of testdata/ids.txt anew")

func TestKindsAreErrors(t *testing.T) {
	cause := errors.New("cause")
	f := UserUnknown.With().Because(cause)
	around := fmt.Errorf("around: %w", f)
	for _, test := range []struct {
		err, target error
		want        bool
	}{
		{f, NotFound, true},
		{around, NotFound, true},
		{f, AlreadyExists, false},
		{f, UserUnknown.With(), true},
		{around, UserUnknown.With(), true},
		{f, InstanceUnknown.With(), false}, // of the same kind
		{around, cause, true},
		{NotFound, NotFound, true},
		{NotFound, UserUnknown.With(), false}, // a kind is not one of its faults
		{cause, NotFound, false},
		{UserUnknown.With(), cause, false},
	} {
		if got := errors.Is(test.err, test.target); got != test.want {
			t.Errorf("errors.Is(%v, %v) is %v", test.err, test.target, got)
		}
	}
}

func TestKindsAreCodes(t *testing.T) {
	for kind, code := range map[Kind]connect.Code{
		Invalid: 3, Unauthenticated: 16, PermissionDenied: 7, NotFound: 5, AlreadyExists: 6, FailedPrecondition: 9,
		ResourceExhausted: 8, Unimplemented: 12, Unavailable: 14, DeadlineExceeded: 4, Canceled: 1,
	} {
		if connect.Code(kind) != code || kind.Error() != code.String() {
			t.Errorf("%v is code %d, want %d", kind, kind, code)
		}
	}
}

func TestWith(t *testing.T) {
	f := DomainTaken.With("a.example")
	if f.Kind() != AlreadyExists || f.ID() != "domain.taken" || f.Message() != "an instance has the domain a.example already" || f.Error() != f.Message() {
		t.Errorf("got %v %s %q", f.Kind(), f.ID(), f.Message())
	}
	if f.Violations() != nil || f.Unwrap() != nil {
		t.Errorf("got violations %v, cause %v", f.Violations(), f.Unwrap())
	}
}

func TestField(t *testing.T) {
	f := ListLimit.Field("query.limit", 1000)
	want := Violation{Field: "query.limit", Rule: "list.limit", Message: "must not be more than 1000"}
	if !slices.Equal(f.Violations(), []Violation{want}) {
		t.Errorf("got %+v", f.Violations())
	}
	if f.Message() != "query.limit: must not be more than 1000" || f.Kind() != Invalid {
		t.Errorf("got %v %q", f.Kind(), f.Message())
	}
}

// A cause is for the log: nothing that a caller sees has it.
func TestBecause(t *testing.T) {
	plain := DatabaseDown.With()
	f := plain.Because(errors.New("password=hunter2"))
	if plain.Unwrap() != nil {
		t.Error("the fault without a cause got one")
	}
	if f.Unwrap() == nil || f.ID() != plain.ID() {
		t.Errorf("got cause %v of %s", f.Unwrap(), f.ID())
	}
	if strings.Contains(f.Error()+f.Message(), "hunter2") {
		t.Errorf("the cause is shown: %v", f)
	}
}

// definition is a call of define in ids.go.
type definition struct{ kind, id, format string }

func definitions(t *testing.T) (found []definition) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "define" {
			return true
		}
		d := definition{kind: method.X.(*ast.Ident).Name}
		for i, into := range []*string{&d.id, &d.format} {
			if *into, err = strconv.Unquote(call.Args[i].(*ast.BasicLit).Value); err != nil {
				t.Fatal(err)
			}
		}
		found = append(found, d)
		return true
	})
	return found
}

// Clients know the ids: one that is renamed, removed, or given to another kind
// is a change of the contract.
func TestIDsAreStable(t *testing.T) {
	const golden = "testdata/ids.txt"
	form := regexp.MustCompile(`^[a-z][a-z_]*\.[a-z][a-z_]*$`)
	seen := make(map[string]bool)
	var lines []string
	for _, d := range definitions(t) {
		if !form.MatchString(d.id) {
			t.Errorf("%q is not of the form area.name", d.id)
		}
		if seen[d.id] {
			t.Errorf("%s is defined twice", d.id)
		}
		seen[d.id] = true
		if d.format == "" || strings.HasSuffix(d.format, ".") {
			t.Errorf("%s: the sentence %q is empty, or has a period", d.id, d.format)
		}
		lines = append(lines, d.id+" "+d.kind+"\n")
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	for _, line := range lines {
		if !strings.Contains("\n"+string(want), "\n"+line) {
			t.Errorf("not in %s: %s", golden, line)
		}
	}
	for line := range strings.Lines(string(want)) {
		if !slices.Contains(lines, line) {
			t.Errorf("gone, or of another kind: %s", line)
		}
	}
	t.Log("a new id is added with: go test ./server/fault -update")
}
