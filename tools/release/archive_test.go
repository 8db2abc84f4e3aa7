package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var committed = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestWriteArchive(t *testing.T) {
	dir := t.TempDir()
	files := []file{
		{name: "bastide", content: []byte("program"), executable: true},
		{name: "LICENSE", content: []byte("terms")},
	}
	one, two := filepath.Join(dir, "one.tar.gz"), filepath.Join(dir, "another name.tar.gz")
	if err := writeArchive(one, "bastide_1", committed, files); err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(files)
	slices.Reverse(reversed)
	if err := writeArchive(two, "bastide_1", committed, reversed); err != nil {
		t.Fatal(err)
	}
	content := read(t, one)
	if !bytes.Equal(content, read(t, two)) {
		t.Error("the bytes depend on the order of the files or on the archive's name")
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if unzipped.Name != "" || !unzipped.ModTime.IsZero() {
		t.Errorf("the compression notes the name %q and the time %s", unzipped.Name, unzipped.ModTime)
	}
	in := tar.NewReader(unzipped)
	for _, want := range []struct {
		name, content string
		mode          int64
	}{{"bastide_1/LICENSE", "terms", 0o644}, {"bastide_1/bastide", "program", 0o755}} {
		header, err := in.Next()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil || header.Name != want.name || header.Mode != want.mode || string(text) != want.content {
			t.Errorf("%s has mode %o and %q, want %+v; %v", header.Name, header.Mode, text, want, err)
		}
		if !header.ModTime.Equal(committed) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" {
			t.Errorf("%s is of %s and of %d:%d, %q:%q", header.Name, header.ModTime, header.Uid, header.Gid, header.Uname, header.Gname)
		}
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more in it, or %v", err)
	}
}

func TestWriteChecksums(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"bastide_b": "", "bastide_a": "abc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeChecksums(dir); err != nil {
		t.Fatal(err)
	}
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  bastide_a\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  bastide_b\n"
	if got := string(read(t, filepath.Join(dir, checksumsFile))); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := emptyDirectory(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a former release is still there: %v, %v", left, err)
	}
}

func TestEmptyDirectoryTouchesNoOther(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"bastide_1.tar.gz", "letter.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := emptyDirectory(dir); err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("%d of 2 files are left, %v", len(left), err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
