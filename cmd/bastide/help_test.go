package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/servertest"
)

// The lines that the help shows work as they are, but for where another server
// is.
func TestTheLinesOfTheHelpWork(t *testing.T) {
	path := "PATH=" + filepath.Dir(build(t)) + ":/usr/bin:/bin"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		dir := t.TempDir()
		for _, command := range [][]string{{"instance", "create"}, {"call"}} {
			lines := 0
			for line := range strings.Lines(bastide(t, nil, append(command, "--help")...).stdout) {
				if !strings.HasPrefix(line, "  bastide ") {
					continue
				}
				lines++
				line = strings.ReplaceAll(line, "https://acme.example.com", strings.Replace(s.URL, "localhost", "acme.localhost", 1))
				shell := exec.CommandContext(t.Context(), "bash", "-euc", line)
				shell.Dir = dir
				shell.Env = []string{path, "BASTIDE_DATA_DIR=" + s.DataDir}
				if output, err := shell.CombinedOutput(); err != nil {
					t.Errorf("%v: %s%s", err, line, output)
				}
			}
			if lines < 4 {
				t.Errorf("the help of %v shows %d lines", command, lines)
			}
		}
	})
}
