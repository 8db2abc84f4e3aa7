package client_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A program that imports the SDK carries no server, no database, and nothing
// that evaluates validation rules: the example is one, in a module of its own.
func TestWhatIsLinked(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./...")
	list.Dir = "../../../examples/go"
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 || !strings.Contains(string(out), "github.com/bastide-id/bastide/sdk/go/client\n") {
		t.Fatalf("these are not the packages of a program: %q", packages)
	}
	unwanted := regexp.MustCompile(`^(github\.com/bastide-id/bastide/(server|ent|cmd)(/|$)|database/sql|entgo\.io/|modernc\.org/|github\.com/lib/pq|` +
		`buf\.build/go/protovalidate|cel\.dev/|github\.com/google/cel-go|google\.golang\.org/grpc(/|$)|testing$|flag$)`)
	for _, name := range packages {
		if unwanted.MatchString(name) {
			t.Errorf("%s is linked", name)
		}
	}
}
