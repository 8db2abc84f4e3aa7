package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSeries(t *testing.T) {
	for _, test := range []struct {
		s         series
		median    float64
		scattered bool
	}{
		{nil, 0, false},
		{series{3}, 3, false},
		{series{1, 100}, 50.5, false}, // too few to tell
		{series{100, 1, 101, 99, 1000}, 100, false},
		{series{100, 80, 120, 99, 130, 60, 101, 70}, 99.5, true},
	} {
		if m := test.s.median(); m != test.median {
			t.Errorf("median of %v is %v, want %v", test.s, m, test.median)
		}
		if s := test.s.scattered(); s != test.scattered {
			t.Errorf("%v scattered: %v", test.s, s)
		}
	}
	if got := (series{1, 6, 5}).over(series{2, 3, 0}); len(got) != 2 || got[0] != 0.5 || got[1] != 2 {
		t.Errorf("quotients: %v", got)
	}
}

func TestPercentile(t *testing.T) {
	var all latencies
	for i := 100; i > 0; i-- {
		all = append(all, time.Duration(i))
	}
	for p, want := range map[int]time.Duration{0: 1, 1: 1, 50: 50, 99: 99, 100: 100} {
		if got := all.percentile(p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if got := all[:8].percentile(99); got != 100 {
		t.Errorf("percentile 99 of 8 is %d, want the longest", got)
	}
	if got := (latencies{}).percentile(50); got != 0 {
		t.Errorf("percentile of nothing: %d", got)
	}
}

func TestMarkdown(t *testing.T) {
	second := func(calls int, cost time.Duration) []sample {
		return []sample{{calls: calls, elapsed: time.Second, process: time.Duration(calls) * cost, database: time.Duration(calls) * time.Microsecond}}
	}
	r := &results{
		options: options{command: "go run ./bench -quick", protocols: []string{connectJSON, rest}, connections: []int{16}, rounds: 1, duration: time.Second},
		machine: "a machine",
		targets: []string{sqlite, postgres},
		crowdings: map[string]crowding{sqlite: {offered: 3000, hashes: series{40}, rounds: []round{
			{idle: paced{kept: 1, took: latencies{time.Millisecond}}, busy: paced{kept: 0.98, took: latencies{2500 * time.Microsecond}}},
		}}},
		rows: []row{{call: nameGetMyUser, protocol: connectJSON, connections: 16, rounds: map[string][]sample{
			ceilingRole: second(1000, 20*time.Microsecond),
			sqlite:      second(300, 80*time.Microsecond),
			postgres:    second(200, 200*time.Microsecond),
		}}, {call: nameJWTProfile, protocol: oauthHTTP, connections: 16, rounds: map[string][]sample{
			ceilingRole: second(1000, 80*time.Microsecond),
			sqlite:      second(300, 200*time.Microsecond),
			postgres:    second(200, 240*time.Microsecond),
		}}, {call: nameUserinfo, protocol: oauthHTTP, connections: 16, rounds: map[string][]sample{
			ceilingRole: second(1000, 20*time.Microsecond),
			sqlite:      second(300, 50*time.Microsecond),
			postgres:    second(200, 80*time.Microsecond),
		}}},
		statements: map[string]statements{nameGetMyUser: {all: 3, transactions: 0.5}},
		creations:  map[string]creation{sqlite: {token: latencies{5 * time.Millisecond}, key: latencies{21 * time.Millisecond}}},
		program:    &program{stripped: 59e6, whole: 80e6, ready: latencies{300 * time.Millisecond}, resident: 41e6, highest: 50e6},
	}
	text := r.markdown()
	for _, want := range []string{
		"`go run ./bench -quick`",
		"| ≥ 0.25 | 0.25 on 16 connections | yes |",
		"| JWTProfile, SQLite: processor time, times that of a bare handler that verifies RS256 | ≤ 2.50 | 2.50 on 16 connections | yes |",
		"| JWTProfile, PostgreSQL: processor time, times that of a bare handler that verifies RS256 | ≤ 2.50 | 3.00 on 16 connections | no |",
		"| Userinfo, SQLite: processor time against the ceiling | ≥ 0.40 | 0.40 on 16 connections | yes |",
		"| Userinfo, PostgreSQL: processor time against the ceiling | ≥ 0.40 | 0.25 on 16 connections | no |",
		"SQLite: rate kept | ≥ 99.0 % | 98.0 % | no |",
		"SQLite: p99, times that of an idle server | ≤ 3 | 2.50 | yes |",
		"| SQLite | 3000 | 100.0 % | 98.0 % | 40 | 1.00 | 2.50 | 2.50 |\n",
		"| JWTProfile | OAuth | 200 (0.40) | 300 (0.30) |\n",
		"| CreateInstance with a token, SQLite | p99 ≤ 20.0 ms | 5.0 ms | yes |",
		"| CreateInstance with a key made ahead, SQLite | p99 ≤ 20.0 ms | 21.0 ms | no |",
		"| start to ready | < 300.0 ms | 300.0 ms | no |",
		"| idle memory | < 40.0 MB | 41.0 MB | no |",
		"| binary | < 60.0 MB | 59.0 MB | yes |",
		"| GetMyUser | Connect JSON | 80 (0.25) | 300 (0.30) |\n",
		"| GetMyUser | Connect JSON | 200 (0.10) | 1 | 200 (0.20) |\n",
		"| GetMyUser | Connect JSON | 20 | 1000 |\n",
		"| GetMyUser | 3 | 0.5 |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestReplaceInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	for _, content := range []string{
		"", markerBegin, markerEnd, markerEnd + markerBegin,
		markerBegin + markerBegin + markerEnd, markerBegin + markerEnd + markerEnd,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := replaceInFile(path, "text"); err == nil {
			t.Errorf("%q was taken", content)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != content {
			t.Errorf("%q became %q, %v", content, left, err)
		}
	}
}
