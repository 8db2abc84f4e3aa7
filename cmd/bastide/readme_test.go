package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// linesUnder returns the lines for the shell that the README has under a
// heading, block by block.
func linesUnder(t *testing.T, heading string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for {
		_, rest, found := strings.Cut(section, "```sh\n")
		if !found {
			break
		}
		block, after, _ := strings.Cut(rest, "\n```")
		blocks, section = append(blocks, block), after
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no lines under %s", heading)
	}
	return blocks
}

// replace has the lines of the README name what is the test's own.
func replace(t *testing.T, text string, parts ...[2]string) string {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part[0]) {
			t.Fatalf("the README has no %s in %s", part[0], text)
		}
		text = strings.ReplaceAll(text, part[0], part[1])
	}
	return text
}

// split returns the lines of a block as commands, each with its comment.
func split(block string) []string {
	var commands []string
	for paragraph := range strings.SplitSeq(block, "\n\n") {
		command := ""
		for line := range strings.Lines(paragraph) {
			if strings.HasPrefix(line, "curl ") && strings.Contains(command, "curl ") {
				commands = append(commands, command)
				command = ""
			}
			command += line
		}
		commands = append(commands, command)
	}
	return commands
}

// What the README says works as it stands, but for where the program, its data
// and its port are, and the id that is to be filled in.
func TestTheFiveCallsOfTheReadmeWork(t *testing.T) {
	path := build(t)
	p := startProgram(t, path)
	commands := split(replace(t, linesUnder(t, "The five calls")[0],
		[2]string{"go run ./cmd/bastide system-token", path + " system-token --data-dir " + p.dataDir + " --audience " + urlOf(p.greeting)},
		[2]string{"bastide-data/", p.dataDir + "/"},
		[2]string{"http://localhost:8080", urlOf(p.greeting)}))
	if len(commands) != 6 {
		t.Fatalf("%d commands, want the tokens and five calls: %q", len(commands), commands)
	}
	tokens, instanceID := commands[0]+"\n", ""
	wanted := []string{"user", "org", "instance", "instanceId", "details"}
	for i, command := range commands[1:] {
		if i == 4 {
			if !strings.Contains(command, "<instanceId>") {
				t.Fatalf("the last call names no instance: %s", command)
			}
			command = strings.ReplaceAll(command, "<instanceId>", instanceID)
		}
		output, err := exec.CommandContext(t.Context(), "bash", "-euc", tokens+command).Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, output)
		}
		answer := map[string]any{}
		if err := json.Unmarshal(output, &answer); err != nil || answer[wanted[i]] == nil || answer["code"] != nil {
			t.Errorf("%s: %v: %s", command, err, output)
		}
		if i == 3 {
			instanceID, _ = answer["instanceId"].(string)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.stderr)
	}
}

// The same of the first call by curl and by the program, and of the lines that make
// a tenant.
func TestTheFirstCallsOfTheReadmeWork(t *testing.T) {
	path := build(t)
	p := startProgram(t, path)
	run := func(command string) string {
		t.Helper()
		shell := exec.CommandContext(t.Context(), "bash", "-euc", command)
		shell.Dir = t.TempDir()
		shell.Env = append(os.Environ(), "BASTIDE_URL="+urlOf(p.greeting), "BASTIDE_DATA_DIR="+p.dataDir)
		output, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, output)
		}
		return string(output)
	}
	first := linesUnder(t, "The first call")
	if len(first) != 2 {
		t.Fatalf("%d blocks, want curl and the program", len(first))
	}
	for block, wanted := range map[string][]string{
		first[0]: {`"userName":"owner"`},
		replace(t, first[1], [2]string{"go run ./cmd/bastide", path}):                                 {`"userName": "owner"`, `"state":"USER_STATE_ACTIVE"`},
		replace(t, linesUnder(t, "A tenant of your own")[0], [2]string{"go run ./cmd/bastide", path}): {"acme.localhost", `"userName": "owner"`},
	} {
		output := run(block)
		for _, text := range wanted {
			if !strings.Contains(output, text) {
				t.Errorf("%s: no %s in %s", block, text, output)
			}
		}
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.stderr)
	}
}

// The same of the lines that get a token for a machine, and that rotate keys.
func TestTheTokensAndKeysOfTheReadmeWork(t *testing.T) {
	path := build(t)
	p := startProgram(t, path)
	owner, err := os.ReadFile(filepath.Join(p.dataDir, "owner.pat"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(command string) string {
		t.Helper()
		shell := exec.CommandContext(t.Context(), "bash", "-euc", command)
		shell.Env = append(os.Environ(), "BASTIDE_DATA_DIR="+p.dataDir, "OWNER="+strings.TrimSpace(string(owner)))
		output, err := shell.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, output)
		}
		return string(output)
	}
	known := map[string]string{"userId": "", "clientSecret": "", "access_token": ""}
	for _, command := range split(replace(t, linesUnder(t, "Tokens for machines")[0], [2]string{"http://localhost:8080", urlOf(p.greeting)})) {
		for name, value := range known {
			command = strings.ReplaceAll(command, "<"+name+">", value)
		}
		answer := map[string]any{}
		if output := run(command); json.Unmarshal([]byte(output), &answer) != nil || answer["code"] != nil || answer["error"] != nil {
			t.Errorf("%s: %s", command, output)
		}
		for name := range known {
			if value, ok := answer[name].(string); ok {
				known[name] = value
			}
		}
	}
	if known["access_token"] == "" {
		t.Errorf("there is no token, but %v", known)
	}
	for _, block := range linesUnder(t, "Keys") {
		run(replace(t, block, [2]string{"go run ./cmd/bastide", path}))
	}
	if kept, err := filepath.Glob(filepath.Join(p.dataDir, "master.key.*.old")); err != nil || len(kept) != 1 {
		t.Errorf("of the former master key there is %q, %v", kept, err)
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.stderr)
	}
}
