package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed returns what bash offers at the end of a line.
func completed(t *testing.T, program, line string) []string {
	t.Helper()
	// What readline does: it splits the line at its own signs too.
	const script = `
set -eu
PATH="$1:$PATH"
source <(bastide completion bash)
complete -p bastide > /dev/null
COMP_LINE=$2 COMP_POINT=${#2}
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_bastide bastide "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]-}"
`
	words := strings.Fields(strings.ReplaceAll(line, "=", " = "))
	if strings.HasSuffix(line, " ") {
		words = append(words, "")
	}
	command := exec.CommandContext(t.Context(), "bash", append([]string{"-c", script, "bash", filepath.Dir(program), line}, words...)...)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v: %s", line, err, &stderr)
	}
	return strings.Fields(string(output))
}

func TestCompletionInBash(t *testing.T) {
	program := build(t)
	t.Chdir(t.TempDir())
	for _, name := range []string{"owner.pat", "other.json"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("old", 0o700); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"bastide ser":                   {"serve"},
		"bastide c":                     {"config", "call", "completion"},
		"bastide instance ":             {"create"},
		"bastide completion ":           {"bash", "zsh", "fish"},
		"bastide call --proto":          {"--protocol"},
		"bastide call --protocol ":      {"connect", "grpc", "grpc-web"},
		"bastide call --protocol=":      {"connect", "grpc", "grpc-web"},
		"bastide call --protocol=grpc-": {"grpc-web"},
		"bastide call --protocol grpc --all auth.v1.AuthService/GetMyU": {"auth.v1.AuthService/GetMyUser"},
		"bastide call zitadel.auth.v1.AuthService/GetMyU":               {"zitadel.auth.v1.AuthService/GetMyUser"},
		"bastide call -d {} -- auth.v1.AuthService/GetMyU":              {"auth.v1.AuthService/GetMyUser"},
		"bastide call auth.v1.AuthService/GetMyUser ":                   nil,
		"bastide call auth.v1.AuthService/GetMyUser --token-f":          {"--token-file"},
		"bastide call --token-file o":                                   {"old", "other.json", "owner.pat"},
		"bastide call --token-file=ow":                                  {"owner.pat"},
		"bastide serve --data-dir o":                                    {"old"},
		"bastide serve --log-format ":                                   {"text", "json"},
		"bastide call --token ":                                         nil,
		"bastide nothing ":                                              nil,
		"bastide call --nothing=":                                       nil,
	} {
		got := completed(t, program, line)
		if strings.Contains(line, "nothing ") {
			got = nil // of a mistake nothing is known but that it does not fail
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%q is completed by %q, want %q", line, got, want)
		}
	}
	if all := completed(t, program, "bastide call "); len(all) < 200 || slices.Contains(all, "__complete") {
		t.Errorf("there are %d methods", len(all))
	}
}

// No shell sees an error, whatever is typed.
func TestCompletionNeverFails(t *testing.T) {
	for _, words := range [][]string{nil, {""}, {"="}, {"--="}, {"-"}, {"call", "-"}, {"call", "--protocol", "=", ""}, {"call", "="}, {"--", ""}, {"call", "-d"}, {"\x00"}, {"--help"}} {
		if got := bastide(t, []string{"BASTIDE_NO_SETTING=1"}, append([]string{"__complete"}, words...)...); got.code != exitOK || got.stderr != "" {
			t.Errorf("%q: %+v", words, got)
		}
	}
	help := bastide(t, nil, "__complete", "c")
	if !strings.Contains(help.stdout, "call\tCall any method") || strings.Contains(help.stdout, "serve") {
		t.Errorf("%+v", help)
	}
}

func TestCompletionScripts(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -F _bastide bastide\n", "zsh": "#compdef bastide\n", "fish": "complete -c bastide "} {
		if got := bastide(t, nil, "completion", shell); got.code != exitOK || !strings.Contains(got.stdout, want) || !strings.Contains(got.stdout, completeWord) {
			t.Errorf("%s: %+v", shell, got)
		}
	}
	for _, args := range [][]string{{}, {"tcsh"}} {
		if got := bastide(t, nil, append([]string{"completion"}, args...)...); got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, "shell") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
