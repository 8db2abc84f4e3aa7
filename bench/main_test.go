package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test binary be the processes that are measured.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{ceilingRole, candidateRole}, os.Args[1]) {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.md")
	if err := os.WriteFile(path, []byte("before\n"+markerBegin+"\nold\n"+markerEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-rounds", "1", "-seconds", "0.02", "-parts", "calls,statements,passwords", "-connections", "1,3", "-o", path}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(report)
	if !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "\nafter\n") || strings.Contains(text, "old") {
		t.Error("the text around the report has changed, or the old report is still there")
	}
	for _, want := range []string{"### Aims", "### SQLite", "### PostgreSQL", "### SQL statements", "### The ceiling", "### GetMyUser at 30 %", "| µs, 1 conn. | µs, 3 conn. |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, c := range calls {
		// Connect JSON, gRPC and REST on two databases, the ceiling without REST,
		// and the statements.
		want := 9
		if c.plain != nil {
			want = 4
		}
		if n := strings.Count(text, "| "+c.name+" |"); n != want {
			t.Errorf("the report has %d lines of %s, want %d", n, c.name, want)
		}
	}
	if strings.Contains(text, "| CreateInstance | 0 |") {
		t.Error("no statements were counted")
	}
	if strings.Contains(text, "–") {
		t.Error("something was not measured")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestOtherServer(t *testing.T) {
	c, other, err := startCandidate(t.Context(), "other", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	}()
	o, err := parse([]string{
		"-url", "http://" + other.host, "-token", other.owner, "-system-token", other.system,
		"-rounds", "1", "-seconds", "0.02", "-connections", "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := measure(t.Context(), o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, c := range calls {
		want += len(c.over(o.protocols))
	}
	if len(r.rows) != want {
		t.Errorf("%d rows, want %d", len(r.rows), want)
	}
	for _, row := range r.rows {
		if s := row.rounds[o.url]; len(s) != 1 || s[0].calls == 0 || s[0].process != 0 {
			t.Errorf("%s over %s: %+v", row.call, row.protocol, s)
		}
	}
	text := r.markdown()
	if strings.Contains(text, other.owner) || strings.Contains(text, other.system) || strings.Contains(text, "eyJ") {
		t.Error("the report has a token in it")
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-quick", "-db", "postgres", "-connections", "2, 3"})
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 1 || !slices.Equal(o.databases, []string{postgres}) || !slices.Equal(o.connections, []int{2, 3}) || len(o.calls) != len(calls) {
		t.Errorf("parsed %+v", o)
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	for _, args := range [][]string{
		{"-rounds", "0"},
		{"-rounds", "101"},
		{"-seconds", "0"},
		{"-seconds", "61"},
		{"-db", "oracle"},
		{"-calls", "GetMyUser,"},
		{"-protocols", ""},
		{"-parts", "some"},
		{"-connections", "0"},
		{"-connections", "1025"},
		{"-token", "secret"},
		{"-url", "http://localhost"},
		{"-url", "https://localhost:1"},
		{"-url", "http://192.0.2.1:80"},
		{"rounds"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q was taken", args)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error has the token in it: %v", args, err)
		}
	}
}
