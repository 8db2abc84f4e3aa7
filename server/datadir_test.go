//go:build unix

package server_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/bastide-id/bastide/server"
)

// A process that is just being started has the files of the one that starts it.
func TestDirectoryIsGivenBackWhateverElseHasItsFile(t *testing.T) {
	dir := t.TempDir()
	lock, file, err := server.LockDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(file))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	if _, _, err := server.LockDirectory(dir); !errors.Is(err, server.ErrLocked) {
		t.Fatalf("taken twice: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, _, err := server.LockDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
