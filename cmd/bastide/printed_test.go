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

// The lines that the first run prints work as they are, in their order: a
// newcomer who pastes them has created a tenant and called it.
func TestPrintedLinesWork(t *testing.T) {
	p := startProgram(t, build(t))
	var answers []map[string]any
	for line := range strings.Lines(p.greeting) {
		command, printed := strings.CutPrefix(line, "  curl")
		if !printed {
			continue
		}
		shell := exec.CommandContext(t.Context(), "bash", "-c", "curl"+command)
		output, err := shell.Output()
		if err != nil {
			t.Fatalf("%v: %s%s", err, line, output)
		}
		var answer map[string]any
		if err := json.Unmarshal(output, &answer); err != nil {
			t.Fatalf("%v: %s%s", err, line, output)
		}
		answers = append(answers, answer)
	}
	if len(answers) != 3 {
		t.Fatalf("%d lines were printed: %s", len(answers), p.greeting)
	}
	me, _ := answers[0]["user"].(map[string]any)
	if me["userName"] != "owner" || me["machine"] == nil {
		t.Errorf("the first line answered %v", answers[0])
	}
	made, called := answers[1]["instanceId"], answers[2]["instance"]
	if instance, _ := called.(map[string]any); made == nil || instance["id"] != made || instance["name"] != "ACME" {
		t.Errorf("the second line made %v, the third answered %v", made, called)
	}
	kept, err := filepath.Glob(filepath.Join(p.dataDir, "*"))
	if err != nil || len(kept) == 0 {
		t.Fatal(kept, err)
	}
	for _, file := range kept {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can read %s: %v %v", file, info.Mode(), err)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.command.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.stderr)
	}
}
