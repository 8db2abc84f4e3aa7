package compat

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pinnedBuf returns the version of buf that this repository is built with.
func pinnedBuf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../tools/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned struct {
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(text, &pinned); err != nil {
		t.Fatal(err)
	}
	return pinned.DevDependencies["@bufbuild/buf"]
}

// readmeBlocks returns the lines for the shell that the README has under a
// heading, block by block, with this server's address and files.
func readmeBlocks(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section = strings.NewReplacer("localhost:8080", running.url.Host, "bastide-data/", running.dataDir+"/").Replace(section)
	var blocks []string
	for _, part := range strings.Split(section, "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

// shell runs lines and returns what they print.
func shell(t *testing.T, lines string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s%s", lines, err, output, said.String())
	}
	return string(output)
}

// The lines of the README on grpcurl and buf, as they stand: by reflection alone
// both find what there is and call it.
func TestToolsOfTheReadme(t *testing.T) {
	blocks := readmeBlocks(t, "With grpcurl and buf")
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of lines", len(blocks))
	}
	t.Run("grpcurl", func(t *testing.T) {
		output := shell(t, blocks[0])
		for _, wanted := range []string{
			"zitadel.auth.v1.AuthService\n", "zitadel.system.v1.SystemService\n", "zitadel.org.v2.OrganizationService\n", "grpc.health.v1.Health\n",
			"rpc GetMyUser ( .zitadel.auth.v1.GetMyUserRequest ) returns ( .zitadel.auth.v1.GetMyUserResponse )",
			`"preferredLoginName"`, `"status": "SERVING"`,
		} {
			if !strings.Contains(output, wanted) {
				t.Errorf("there is no %s in %s", wanted, output)
			}
		}
	})
	t.Run("buf", func(t *testing.T) {
		pinned, err := filepath.Abs("../tools/node_modules/.bin/buf")
		if err != nil {
			t.Fatal(err)
		}
		name := "npx --yes @bufbuild/buf@" + pinnedBuf(t)
		if !strings.Contains(blocks[1], name+" ") {
			t.Fatalf("the README does not name %s", name)
		}
		lines := strings.ReplaceAll(blocks[1], name, pinned)
		for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
			output := shell(t, strings.ReplaceAll(lines, "--protocol grpc ", "--protocol "+protocol+" "))
			if !strings.Contains(output, `"preferredLoginName"`) {
				t.Errorf("%s: %s", protocol, output)
			}
		}
	})
}

// Whoever reads the schema by reflection gets all of it: the paths, the rules and
// the bounds that methods and fields are declared with, and every file that they
// come from. No token is asked for; a call is refused without one.
func TestReflectedSchemaIsWhole(t *testing.T) {
	grpcurl := `grpcurl() { go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3 -plaintext "$@"; }` + "\n"
	host := running.url.Host
	protos := t.TempDir()
	for _, service := range strings.Fields(shell(t, grpcurl+"grpcurl "+host+" list")) {
		shell(t, grpcurl+"grpcurl -proto-out-dir "+protos+" "+host+" describe "+service)
	}
	for file, wanted := range map[string][]string{
		"zitadel/management/v1/management_service.proto": {`post: "/management/v1/users/machine"`, "(bastide.v1.rule)", "idempotency_level = NO_SIDE_EFFECTS"},
		"buf/validate/validate.proto":                    {"message FieldRules"},
		"bastide/v1/options.proto":                       {"message Rule"},
	} {
		text, err := os.ReadFile(filepath.Join(protos, file))
		if err != nil {
			t.Error(err)
		}
		for _, part := range wanted {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %s", file, part)
			}
		}
	}
	refused := shell(t, grpcurl+"grpcurl "+host+" zitadel.auth.v1.AuthService/GetMyUser 2>&1 || true")
	if !strings.Contains(refused, "Unauthenticated") || !strings.Contains(refused, "zitadel.v1.ErrorDetail") || !strings.Contains(refused, `"id": "`) {
		t.Errorf("a call without a token: %s", refused)
	}
}
