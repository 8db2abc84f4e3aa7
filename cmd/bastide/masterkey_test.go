package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMasterKeyRotate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	idle := bastide(t, nil, "master-key", "rotate", "--data-dir", dir)
	if idle.code != exitFailed || idle.stdout != "" || !strings.Contains(idle.stderr, "no server runs on the data directory "+dir) || !strings.Contains(idle.stderr, "start it") {
		t.Errorf("without a server: %+v", idle)
	}
	s := start(t, "--data-dir", dir)
	file := filepath.Join(dir, "master.key")
	former := secretsIn(t, dir)["master.key"]
	got := bastide(t, nil, "master-key", "rotate", "--data-dir", dir)
	present := secretsIn(t, dir)["master.key"]
	kept, err := filepath.Glob(file + ".*.old")
	if err != nil || len(kept) != 1 || present == former {
		t.Fatalf("kept is %v, the key is another: %t, %v", kept, present != former, err)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || strings.TrimSpace(string(text)) != strings.TrimSpace(former) {
		t.Errorf("the former key is not kept: %v", err)
	}
	if got.code != exitOK || got.stderr != "" || !strings.Contains(got.stdout, file+" ") || !strings.Contains(got.stdout, kept[0]) || !strings.Contains(got.stdout, "back it up") {
		t.Errorf("%+v", got)
	}
	token, err := os.ReadFile(filepath.Join(dir, "owner.pat"))
	if err != nil {
		t.Fatal(err)
	}
	if status := getMyUser(t, s.url, string(token)); status != http.StatusOK {
		t.Errorf("the owner's token answers %d", status)
	}
	// What stands in the way is said by the command, and changes nothing.
	if err := os.WriteFile(file+".new", []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := bastide(t, nil, "master-key", "rotate", "--data-dir", dir)
	if refused.code != exitFailed || refused.stdout != "" || !strings.Contains(refused.stderr, "nothing was changed") || !strings.Contains(refused.stderr, file+".new") || secretsIn(t, dir)["master.key"] != present {
		t.Errorf("with a file in the way: %+v", refused)
	}
	served := s.stop()
	for _, key := range []string{former, present} {
		if strings.Contains(got.stdout+got.stderr+refused.stderr+served.stdout+served.stderr, strings.TrimSpace(key)) {
			t.Error("a key is in the output")
		}
	}
}

func TestMasterKeyHelp(t *testing.T) {
	got := bastide(t, nil, "master-key", "rotate", "--help")
	for _, want := range []string{"Usage: bastide master-key rotate [flags]", "backups", "BASTIDE_DATA_DIR"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in %s", want, got.stdout)
		}
	}
	if bare := bastide(t, nil, "master-key"); bare.code != exitUsage || !strings.Contains(bare.stderr, "rotate") {
		t.Errorf("without a command: %+v", bare)
	}
}
