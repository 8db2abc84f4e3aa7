// Package examples runs the examples, and the SDK as another module gets it,
// against the built server.
package examples

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// server returns the URL of the server that the tests run beside, and its data
// directory.
func server(t *testing.T) (url, dataDir string) {
	t.Helper()
	url, dataDir = os.Getenv("BASTIDE_URL"), os.Getenv("BASTIDE_DATA_DIR")
	if url == "" || dataDir == "" {
		t.Fatal("there is no server; in the root of the repository run: go run ./tools/withserver -dir examples/go -- go test -count=1 ./...")
	}
	return url, dataDir
}

// run runs an example and returns what it prints.
func run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestFirst(t *testing.T) {
	server(t)
	if got := run(t, "first"); got != "I am owner\n" {
		t.Errorf("it printed %q", got)
	}
}

func TestTenant(t *testing.T) {
	server(t)
	got := run(t, "tenant", "example")
	if !strings.HasPrefix(got, "Instance ") || !strings.HasSuffix(got, " belongs to owner\n") {
		t.Errorf("it printed %q", got)
	}
}

func TestSearch(t *testing.T) {
	url, dataDir := server(t)
	c, err := client.New(t.Context(), url, client.WithKeyFile(filepath.Join(dataDir, "owner.key.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "grace"} {
		added, err := c.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
			UserName: name,
			Profile:  &managementv1.ImportHumanUserRequest_Profile{FirstName: name, LastName: "Example"},
			Email:    &managementv1.ImportHumanUserRequest_Email{Email: name + "@search.example.com", IsEmailVerified: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: added.GetUserId(), Roles: []string{"IAM_OWNER_VIEWER"}}); err != nil {
			t.Fatal(err)
		}
	}
	want := "grace Example grace@search.example.com [IAM_OWNER_VIEWER]\nada Example ada@search.example.com [IAM_OWNER_VIEWER]\n"
	if got := run(t, "search", "@SEARCH.example"); got != want {
		t.Errorf("it printed %q, not %q", got, want)
	}
}

func TestShort(t *testing.T) {
	const most = 60
	files, err := filepath.Glob("*/main.go")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines >= most {
			t.Errorf("%s has %d lines: an example has less than %d", file, lines, most)
		}
	}
}

// The SDK, from a module of its own, by every protocol: a tenant is made, its
// owner's key used at once, and what that changes is listed page by page.
func TestProtocols(t *testing.T) {
	url, dataDir := server(t)
	for name, protocol := range map[string]client.Option{
		"connect":  client.WithTimeout(client.DefaultTimeout),
		"grpc":     client.WithGRPC(),
		"grpc-web": client.WithGRPCWeb(),
	} {
		t.Run(name, func(t *testing.T) {
			system, err := client.New(t.Context(), url, protocol, client.WithSystemKey("system", filepath.Join(dataDir, "system.key.pem")))
			if err != nil {
				t.Fatal(err)
			}
			domain := "sdk-" + name + ".localhost"
			made, err := system.System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
				InstanceName: name, CustomDomain: domain,
				Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
					UserName: "owner", Name: "Owner",
					MachineKey: &systemv1.CreateInstanceRequest_MachineKey{Type: authnv1.KeyType_KEY_TYPE_JSON},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			// The tenant by its own name, which not every resolver knows.
			address := "http://" + domain + url[strings.LastIndex(url, ":"):]
			owner, err := client.New(t.Context(), address, protocol, client.WithKey(made.GetMachineKey()))
			if err != nil {
				t.Fatal(err)
			}
			use(t, owner)
		})
	}
}

func use(t *testing.T, owner *client.Client) {
	t.Helper()
	me, err := owner.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
	if err != nil || me.GetUser().GetUserName() != "owner" {
		t.Fatal(me, err)
	}
	for i := range 3 {
		name := fmt.Sprintf("machine-%d", i)
		if _, err := owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	users := 0
	request := &managementv1.ListUsersRequest{Query: &zitadelv1.ListQuery{Limit: 2}}
	for _, err := range client.All(t.Context(), owner.Management.ListUsers, request) {
		if err != nil {
			t.Fatal(err)
		}
		users++
	}
	if users != 4 {
		t.Errorf("there are %d users", users)
	}
	_, err = owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "no-name"})
	var e *client.Error
	if !errors.Is(err, client.InvalidArgument) || !errors.As(err, &e) || len(e.Violations) != 1 || e.Violations[0].Field != "name" {
		t.Errorf("without a name: %v", err)
	}
}
