package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shells are those beside bash. Their scripts print what is offered at the end
// of the line $2 of the words after it, with the directory $1 on the path; in
// zsh functions stand for those that there are only while a line is typed.
var shells = map[string]struct {
	command []string
	// shape is what is in the script of completion, which is all that can be seen
	// of it where there is no such shell.
	shape []string
}{
	"zsh": {
		[]string{"zsh", "-f", "-c", `
PATH="$1:$PATH"
compdef() { registered="$*" }
compset() { : }
_files() { print -rl -- *${1:+($1)}(N) }
_describe() { print -rl -- "${(@P)2}" }
source <(bastide completion zsh)
[[ $registered == "_bastide bastide" ]] || exit 3
shift 2
words=("$@") CURRENT=$#
_bastide
exit 0`, "zsh"},
		[]string{"#compdef bastide\n", "_bastide() {", "compdef _bastide bastide", "_describe", "_files", completeFile, completeDir, completeWord},
	},
	"fish": {
		[]string{"fish", "--no-config", "-c", `
set -x PATH $argv[1] $PATH
bastide completion fish | source
complete -C $argv[2]`},
		[]string{"complete -c bastide -f -a '(__bastide_complete)'\n", "function __bastide_complete\n", "__fish_complete_path", completeFile, completeDir, completeWord},
	},
}

func TestCompletionInOtherShells(t *testing.T) {
	program := build(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("owner.pat", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			script := bastide(t, nil, "completion", name)
			for _, part := range shell.shape {
				if script.code != exitOK || !strings.Contains(script.stdout, part) {
					t.Errorf("the script has no %q", part)
				}
			}
			if _, err := exec.LookPath(name); err != nil {
				t.Logf("there is no %s here: its script is looked at and not run", name)
				return
			}
			for line, want := range map[string][]string{
				"bastide ser":                                 {"serve"},
				"bastide completion ":                         {"bash", "fish", "zsh"},
				"bastide call --protocol ":                    {"connect", "grpc", "grpc-web"},
				"bastide call --token-file ":                  {"owner.pat"},
				"bastide call auth.v1.AuthService/GetMyU":     {"auth.v1.AuthService/GetMyUser"},
				"bastide call auth.v1.AuthService/GetMyUser ": nil,
			} {
				if got := offered(t, shell.command, program, line); !slices.Equal(got, want) {
					t.Errorf("%q is completed by %q, want %q", line, got, want)
				}
			}
		})
	}
}

// offered returns the words that a shell offers at the end of a line, sorted.
func offered(t *testing.T, shell []string, program, line string) []string {
	t.Helper()
	words := strings.Fields(line)
	if strings.HasSuffix(line, " ") {
		words = append(words, "")
	}
	args := append(slices.Clone(shell[1:]), filepath.Dir(program), line)
	command := exec.CommandContext(t.Context(), shell[0], append(args, words...)...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v: %s", line, err, &stderr)
	}
	var got []string
	for candidate := range strings.Lines(string(output)) {
		// Its help comes after a tab or a colon.
		if word := strings.FieldsFunc(candidate, func(r rune) bool { return r == '\t' || r == ':' || r == '\n' }); len(word) > 0 {
			got = append(got, word[0])
		}
	}
	slices.Sort(got)
	return got
}
