package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	idle := bastide(t, nil, "status", "--data-dir", dir)
	if idle.code != exitFailed || idle.stdout != "" || !strings.Contains(idle.stderr, "no server runs on the data directory "+dir) || !strings.Contains(idle.stderr, "start it") {
		t.Errorf("without a server: %+v", idle)
	}
	s := start(t, "--data-dir", dir)
	got := bastide(t, []string{"BASTIDE_DATA_DIR=" + dir}, "status")
	if got.code != exitOK || got.stderr != "" || !strings.Contains(got.stdout, s.url) || !strings.Contains(got.stdout, fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("%+v", got)
	}
	s.stop()
	if after := bastide(t, nil, "status", "--data-dir", dir); after.code != exitFailed {
		t.Errorf("after its end: %+v", after)
	}
}

func TestStatusHelp(t *testing.T) {
	if got := bastide(t, nil, "status", "--help"); !strings.Contains(got.stdout, "health check") || !strings.Contains(got.stdout, "BASTIDE_DATA_DIR") {
		t.Errorf("%+v", got)
	}
	if extra := bastide(t, nil, "status", "now"); extra.code != exitUsage || !strings.Contains(extra.stderr, "now") {
		t.Errorf("with an argument: %+v", extra)
	}
}
