package server_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// committing is the step before the commit of the first run.
const committing = "the database is about to commit"

// firstRunSteps returns the steps of a first run, and how many of them are
// before the commit.
func firstRunSteps(t *testing.T) (steps []string, before int) {
	t.Helper()
	_, err := start(t, servertest.Empty(t, servertest.SQLite), func(c *server.Config) {
		server.AtFirstRunStep(c, func(step string) error {
			steps = append(steps, step)
			return nil
		})
	})
	before = slices.Index(steps, committing) + 1
	if err != nil || before == 0 || before == len(steps) {
		t.Fatalf("%v: %v", err, steps)
	}
	return steps, before
}

// left returns what a first run left of the directory of its secrets, and of
// the secrets that are in their places.
func left(t *testing.T, p servertest.Place) (directories, secrets []string) {
	t.Helper()
	directories, err := filepath.Glob(filepath.Join(p.DataDir, "first-run-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range secretFiles[1:] {
		if _, err := os.Lstat(filepath.Join(p.DataDir, name)); err == nil {
			secrets = append(secrets, name)
		}
	}
	return directories, secrets
}

// checkFirst starts the server after a first run that did not end, and sees
// that it ends it: what the database knows, somebody can use.
func checkFirst(t *testing.T, p servertest.Place) {
	t.Helper()
	s := p.Start(t)
	if !s.Running.FirstRun() {
		t.Error("the next start does not end the first run")
	}
	secrets := readSecrets(t, p.DataDir)
	servertest.OK(s.First(t).Owner.Auth.GetMyUser(t.Context(), nil))(t)
	servertest.OK(s.AsSystem(t).System.ListInstances(t.Context(), nil))(t)
	s.Exchange(t, "localhost", []byte(secrets[server.OwnerKeyFile]))
	if rows := p.Rows(t); rows["instances"] != 1 || rows["installations"] != 1 || rows["users"] != 1 {
		t.Errorf("the database has %v", rows)
	}
	s.Restart(t)
	if s.Running.FirstRun() {
		t.Error("the start after it takes itself for the first")
	}
}

// A first run that fails, at whatever step, can be done again, and has left no
// secrets of what the database does not know.
func TestFirstRunFails(t *testing.T) {
	steps, before := firstRunSteps(t)
	for _, database := range servertest.Databases {
		for n, failing := range steps {
			t.Run(string(database)+"/"+failing, func(t *testing.T) {
				t.Parallel() // it waits for the disk most of the time
				p := servertest.Empty(t, database)
				broken := errors.New("broken")
				if _, err := start(t, p, func(c *server.Config) {
					server.AtFirstRunStep(c, func(step string) error {
						if step == failing {
							return broken
						}
						return nil
					})
				}); !errors.Is(err, broken) {
					t.Fatalf("the first run did not fail: %v", err)
				}
				if n < before {
					if directories, secrets := left(t, p); directories != nil || secrets != nil {
						t.Errorf("left are %v and %v", directories, secrets)
					}
					for table, rows := range p.Rows(t) {
						if rows > 0 && table != "worker_leases" {
							t.Errorf("%s has %d rows", table, rows)
						}
					}
				}
				checkFirst(t, p)
			})
		}
	}
}

// The variables that make a test process one that dies in its first run.
const (
	diesAt       = "BASTIDE_TEST_DIES_AT"
	diesIn       = "BASTIDE_TEST_DIES_IN"
	diesDatabase = "BASTIDE_TEST_DIES_DATABASE"
)

// A process that is killed in its first run, at whatever step, leaves an
// installation that can be used, or an empty place for one.
func TestFirstRunIsKilled(t *testing.T) {
	if step := os.Getenv(diesAt); step != "" {
		dieAt(t, step)
		return
	}
	steps, before := firstRunSteps(t)
	for _, database := range servertest.Databases {
		for n, step := range steps {
			t.Run(string(database)+"/"+step, func(t *testing.T) {
				t.Parallel()
				p := servertest.Empty(t, database)
				command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFirstRunIsKilled$")
				command.Env = append(os.Environ(), diesAt+"="+step, diesIn+"="+p.DataDir, diesDatabase+"="+string(p.Database))
				output, err := command.CombinedOutput()
				if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the process was not killed: %v: %s", err, output)
				}
				dead, _ := left(t, p)
				checkFirst(t, p)
				if directories, _ := left(t, p); n < before && !slices.Equal(directories, dead) || n >= before && directories != nil {
					t.Errorf("left are %v, the killed process left %v", directories, dead)
				}
			})
		}
	}
}

// dieAt begins a first run and kills the process at the step.
func dieAt(t *testing.T, at string) {
	p := servertest.Place{DataDir: os.Getenv(diesIn), Database: server.Secret(os.Getenv(diesDatabase))}
	_, err := start(t, p, func(c *server.Config) {
		server.AtFirstRunStep(c, func(step string) error {
			if step == at {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		})
	})
	t.Fatalf("there was no step %q: %v", at, err)
}

// The secrets of a database wait for it while another one begins in the same
// data directory, and are never replaced by its own.
func TestInterruptedFirstRunBesideAnother(t *testing.T) {
	p := servertest.Empty(t, servertest.SQLite)
	broken := errors.New("broken")
	at := func(failing string) servertest.Option {
		return func(c *server.Config) {
			server.AtFirstRunStep(c, func(step string) error {
				if step == failing {
					return broken
				}
				return nil
			})
		}
	}
	if _, err := start(t, p, at("the database has committed")); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	waiting, _ := left(t, p)
	if len(waiting) != 1 {
		t.Fatalf("%v wait", waiting)
	}
	pat, err := os.ReadFile(filepath.Join(waiting[0], server.OwnerTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	other := servertest.Empty(t, servertest.Postgres)
	other.DataDir = p.DataDir
	other.Start(t).Stop(t)
	s := p.Start(t)
	if directories, _ := left(t, p); !slices.Equal(directories, waiting) {
		t.Errorf("%v wait", directories)
	}
	servertest.OK(s.As(string(bytes.TrimSpace(pat))).Auth.GetMyUser(t.Context(), nil))(t)
}
