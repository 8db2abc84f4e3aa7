package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/servertest"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// rotate has the server on the place rotate its master key.
func rotate(t *testing.T, p servertest.Place) (server.MasterKeyRotation, error) {
	t.Helper()
	return server.RotateMasterKey(t.Context(), p.DataDir)
}

// keyIn returns the master key in a file, which only its owner may read.
func keyIn(t *testing.T, file string) id.MasterKey {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s has the mode %v, %v", file, info.Mode(), err)
	}
	key, err := id.ParseMasterKey(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func masterKeyOf(p servertest.Place) string { return filepath.Join(p.DataDir, "master.key") }

// keyFiles returns the names of all files of master keys in the data directory.
func keyFiles(t *testing.T, p servertest.Place) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(p.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "master.key") {
			names = append(names, e.Name())
		}
	}
	return names
}

// idToken gets an ID token on a host with a machine key, which takes the signing
// key of the instance, and returns the status.
func idToken(t *testing.T, s *servertest.Server, host, keyFile string) int {
	t.Helper()
	endpoint, form := s.Assertion(t, host, []byte(keyFile))
	response, err := s.HTTP().PostForm(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// logged is a server whose log goes to a buffer.
func logged(to *syncBuffer) servertest.Option {
	return func(c *server.Config) { c.Log = slog.New(slog.NewTextHandler(to, nil)) }
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(text)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

// While the master key is rotated callers are served, and what was sealed under
// the former key and what they were given under it stays good.
func TestRotateMasterKey(t *testing.T) {
	var log syncBuffer
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		owner := readSecrets(t, s.DataDir)[server.OwnerKeyFile]
		first := s.First(t)
		for n := range 3 {
			first.NewMachine(t, fmt.Sprint("robot", n))
		}
		list := func(c *servertest.Caller) error {
			_, err := c.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Query: &zitadelv1.ListQuery{Limit: 1}})
			return err
		}
		if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
			t.Fatalf("the token endpoint answers %d", status)
		}
		if err := list(first.Owner); err != nil {
			t.Fatal(err)
		}
		page := first.Owner.NextPageToken()
		keys := []id.MasterKey{keyIn(t, masterKeyOf(s.Place))}
		var formers []string
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for {
					if err := list(s.As(s.OwnerToken).Page(page)); err != nil {
						t.Errorf("a reader got %v", err)
					}
					if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
						t.Errorf("a caller of the token endpoint got %d", status)
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		for range 3 {
			done, err := rotate(t, s.Place)
			if err != nil {
				t.Fatal(err)
			}
			present, former := keyIn(t, masterKeyOf(s.Place)), keys[len(keys)-1]
			if done.File != masterKeyOf(s.Place) || keyIn(t, done.FormerFile) != former || slices.Contains(keys, present) ||
				done.FormerFile != fmt.Sprintf("%s.%x.old", done.File, former.Fingerprint()[:4]) ||
				done.Key != fmt.Sprintf("%x", present.Fingerprint()[:4]) || done.FormerKey != fmt.Sprintf("%x", former.Fingerprint()[:4]) || done.Sealed != 1 {
				t.Errorf("the rotation tells of %+v", done)
			}
			keys, formers = append(keys, present), append(formers, done.FormerKey, done.Key)
		}
		close(done)
		readers.Wait()
		if names := keyFiles(t, s.Place); len(names) != len(keys) {
			t.Errorf("there are the files %v", names)
		}
		// A key that is made now is sealed under the last one.
		other := s.NewInstance(t, "acme")
		key := servertest.OK(other.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: other.OwnerID, Type: 1}))(t)
		for range 2 {
			for host, file := range map[string]string{"localhost": owner, other.Domain: string(key.GetKeyDetails())} {
				if status := idToken(t, s, host, file); status != http.StatusOK {
					t.Errorf("on %s the token endpoint answers %d", host, status)
				}
			}
			s.Restart(t)
		}
		text := log.text()
		for _, key := range keys {
			if strings.Contains(text, strings.TrimSpace(key.Text())) {
				t.Error("a master key is in the log")
			}
		}
		for _, name := range formers {
			if !strings.Contains(text, name) {
				t.Errorf("the log does not tell of the key %s", name)
			}
		}
	}, logged(&log))
}

// signed returns an installation with a signing key, which does not run.
func signed(t *testing.T, database servertest.Database) servertest.Place {
	t.Helper()
	s := servertest.Installed(t, database).Start(t)
	if status := idToken(t, s, "localhost", readSecrets(t, s.DataDir)[server.OwnerKeyFile]); status != http.StatusOK {
		t.Fatalf("the token endpoint answers %d", status)
	}
	s.Stop(t)
	return s.Place
}

// sealed is the last step of a rotation before the commit.
const sealed = "everything is sealed anew"

// rotationSteps returns the steps of a rotation, and how many of them are before
// the commit.
func rotationSteps(t *testing.T) (steps []string, before int) {
	t.Helper()
	p := servertest.Installed(t, servertest.SQLite)
	p.Start(t, func(c *server.Config) {
		server.AtRotationStep(c, func(step string) error {
			steps = append(steps, step)
			return nil
		})
	})
	_, err := rotate(t, p)
	if before = slices.Index(steps, sealed) + 1; err != nil || before == 0 || before == len(steps) {
		t.Fatalf("%v: %v", err, steps)
	}
	return steps, before
}

// checkRotated starts the server after a rotation that did not end, and sees
// that it goes on with the former key or the new one, and can rotate again.
func checkRotated(t *testing.T, p servertest.Place, former id.MasterKey, changed bool) {
	t.Helper()
	s := p.Start(t)
	present := keyIn(t, masterKeyOf(p))
	if (present != former) != changed {
		t.Errorf("the start took the new key: %t", present != former)
	}
	if _, err := os.Lstat(masterKeyOf(p) + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next key stays: %v", err)
	}
	owner := readSecrets(t, p.DataDir)[server.OwnerKeyFile]
	if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
		t.Errorf("the token endpoint answers %d", status)
	}
	done, err := rotate(t, p)
	if err != nil || done.Sealed != 1 || keyIn(t, done.FormerFile) != present {
		t.Errorf("another rotation tells of %+v, %v", done, err)
	}
	s.Restart(t)
	if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
		t.Errorf("then the token endpoint answers %d", status)
	}
}

const (
	rotationDiesAt       = "BASTIDE_TEST_ROTATION_DIES_AT"
	rotationDiesIn       = "BASTIDE_TEST_ROTATION_DIES_IN"
	rotationDiesDatabase = "BASTIDE_TEST_ROTATION_DIES_DATABASE"
)

// A process that is killed while it rotates, at whatever step, leaves an
// installation whose master key the next start finds.
func TestRotationIsKilled(t *testing.T) {
	if step := os.Getenv(rotationDiesAt); step != "" {
		rotateAndDie(t, step)
		return
	}
	steps, before := rotationSteps(t)
	for _, database := range servertest.Databases {
		for n, step := range steps {
			t.Run(string(database)+"/"+step, func(t *testing.T) {
				t.Parallel()
				p := signed(t, database)
				former := keyIn(t, masterKeyOf(p))
				command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRotationIsKilled$")
				command.Env = append(os.Environ(), rotationDiesAt+"="+step, rotationDiesIn+"="+p.DataDir, rotationDiesDatabase+"="+string(p.Database))
				output, err := command.CombinedOutput()
				if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the process was not killed: %v: %s", err, output)
				}
				checkRotated(t, p, former, n >= before)
			})
		}
	}
}

// rotateAndDie begins a rotation and kills the process at the step.
func rotateAndDie(t *testing.T, at string) {
	p := servertest.Place{DataDir: os.Getenv(rotationDiesIn), Database: server.Secret(os.Getenv(rotationDiesDatabase))}
	_, err := start(t, p, atStep(at, func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }))
	if err == nil {
		_, err = rotate(t, p)
	}
	t.Fatalf("there was no step %q: %v", at, err)
}

// atStep has a server do something at a step of its rotations.
func atStep(at string, do func() error) servertest.Option {
	return func(c *server.Config) {
		server.AtRotationStep(c, func(step string) error {
			if step == at {
				return do()
			}
			return nil
		})
	}
}

// A rotation that fails before the database has changed leaves nothing behind,
// and one that fails later is brought to its end: the server serves on, and may
// rotate again.
func TestRotationFails(t *testing.T) {
	steps, before := rotationSteps(t)
	for _, database := range servertest.Databases {
		for n, step := range steps {
			t.Run(string(database)+"/"+step, func(t *testing.T) {
				t.Parallel()
				p := signed(t, database)
				former, files := keyIn(t, masterKeyOf(p)), keyFiles(t, p)
				broken := true
				s := p.Start(t, atStep(step, func() error {
					if !broken {
						return nil
					}
					broken = false
					return errors.New("broken")
				}))
				if _, err := rotate(t, p); err == nil || !strings.Contains(err.Error(), "broken") {
					t.Fatalf("the rotation ended with %v", err)
				}
				if n < before && (keyIn(t, masterKeyOf(p)) != former || !slices.Equal(keyFiles(t, p), files)) {
					t.Errorf("left are %v", keyFiles(t, p))
				}
				owner := readSecrets(t, p.DataDir)[server.OwnerKeyFile]
				if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
					t.Errorf("the token endpoint answers %d", status)
				}
				if n%2 == 0 { // with the same process, or with the next
					if _, err := rotate(t, p); err != nil {
						t.Error(err)
					}
					former = keyIn(t, masterKeyOf(p))
				}
				s.Stop(t)
				checkRotated(t, p, former, n%2 != 0 && n >= before)
			})
		}
	}
}

// When the answer to the commit is lost, the database is asked what it has done.
func TestRotationCommitIsNotAnswered(t *testing.T) {
	for name, swallow := range map[string]bool{"done": false, "not done": true} {
		t.Run(name, func(t *testing.T) {
			p := signed(t, servertest.Postgres)
			former, files := keyIn(t, masterKeyOf(p)), keyFiles(t, p)
			c := &cut{}
			c.swallow.Store(swallow)
			through := p
			through.Database = c.address(t, p.Database)
			s := through.Start(t, atStep(sealed, func() error {
				c.armed.Store(true)
				return nil
			}))
			if _, err := rotate(t, p); (err != nil) != swallow {
				t.Errorf("the rotation ended with %v", err)
			}
			if c.armed.Load() {
				t.Fatal("nothing was committed")
			}
			if swallow && !slices.Equal(keyFiles(t, p), files) {
				t.Errorf("left are %v", keyFiles(t, p))
			}
			s.Stop(t)
			checkRotated(t, p, former, !swallow)
		})
	}
}
