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

// fiveCalls returns the lines of the README that make the five calls.
func fiveCalls(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The five calls\n")
	_, block, _ := strings.Cut(section, "```sh\n")
	block, _, found := strings.Cut(block, "\n```")
	if !found {
		t.Fatal("the README has no lines under the five calls")
	}
	return block
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
	block := fiveCalls(t)
	for _, part := range [][2]string{
		{"go run ./cmd/bastide system-token", path + " system-token --data-dir " + p.dataDir + " --audience " + urlOf(p.greeting)},
		{"bastide-data/", p.dataDir + "/"},
		{"http://localhost:8080", urlOf(p.greeting)},
	} {
		if !strings.Contains(block, part[0]) {
			t.Fatalf("the README has no %s in %s", part[0], block)
		}
		block = strings.ReplaceAll(block, part[0], part[1])
	}
	commands := split(block)
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
