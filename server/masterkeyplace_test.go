package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/servertest"
)

// beside returns another data directory for the same database.
func beside(t *testing.T, p servertest.Place) servertest.Place {
	t.Helper()
	other := servertest.Empty(t, servertest.SQLite)
	other.Kind, other.Database = p.Kind, p.Database
	return other
}

// copyFile copies a file to a place that may be taken.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Servers that share the file of the master key notice that one of them has
// rotated it.
func TestRotationBesideServersWithTheSameFile(t *testing.T) {
	one := signed(t, servertest.Postgres).Start(t)
	two := beside(t, one.Place).Start(t, func(c *server.Config) { c.MasterKeyFile = masterKeyOf(one.Place) })
	owner := readSecrets(t, one.DataDir)[server.OwnerKeyFile]
	for _, by := range []*servertest.Server{one, two, one} {
		if _, err := rotate(t, by.Place); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*servertest.Server{one, two} {
			if status := idToken(t, s, "localhost", owner); status != http.StatusOK {
				t.Errorf("the token endpoint answers %d", status)
			}
		}
	}
	if names := keyFiles(t, one.Place); len(names) != 4 || len(keyFiles(t, two.Place)) != 0 {
		t.Errorf("there are the files %v and %v", names, keyFiles(t, two.Place))
	}
}

// A server with a file of its own says which to replace after another has
// rotated, once; it serves what it can, writes nothing under a former key, and
// takes the new file without a restart.
func TestRotationBesideAServerWithItsOwnFile(t *testing.T) {
	one := signed(t, servertest.Postgres).Start(t)
	p := beside(t, one.Place)
	copyFile(t, masterKeyOf(one.Place), masterKeyOf(p))
	var log syncBuffer
	two := p.Start(t, logged(&log))
	owner := readSecrets(t, one.DataDir)[server.OwnerKeyFile]
	acme := one.NewInstance(t, "acme")
	key := servertest.OK(acme.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: acme.OwnerID, Type: 1}))(t)
	hosts := map[string]string{"localhost": owner, acme.Domain: string(key.GetKeyDetails())} // one has a signing key, one has none
	if _, err := rotate(t, one.Place); err != nil {
		t.Fatal(err)
	}
	rows := one.Rows(t)["signing_keys"]
	for host, file := range hosts {
		for range 2 {
			if status := idToken(t, two, host, file); status != http.StatusServiceUnavailable {
				t.Errorf("on %s the token endpoint answers %d", host, status)
			}
		}
	}
	if after := one.Rows(t)["signing_keys"]; after != rows {
		t.Errorf("%d signing keys were made", after-rows)
	}
	servertest.OK(two.As(one.OwnerToken).Auth.GetMyUser(t.Context(), nil))(t)
	if _, err := rotate(t, p); err == nil || !strings.Contains(err.Error(), masterKeyOf(p)) {
		t.Errorf("a rotation without the key ended with %v", err)
	}
	fingerprint := fmt.Sprintf("%x", keyIn(t, masterKeyOf(one.Place)).Fingerprint()[:4])
	text := log.text()
	if n := strings.Count(text, "level=ERROR msg=\"the master key was rotated elsewhere"); n != 1 || !strings.Contains(text, masterKeyOf(p)) || !strings.Contains(text, fingerprint) {
		t.Errorf("the log tells of it %d times: %s", n, text)
	}
	if _, err := start(t, servertest.Place{DataDir: copyOf(t, p), Database: p.Database}); err == nil || !strings.Contains(err.Error(), "--master-key-file") {
		t.Errorf("a start without the key ended with %v", err)
	}
	copyFile(t, masterKeyOf(one.Place), masterKeyOf(p))
	for host, file := range hosts {
		if status := idToken(t, two, host, file); status != http.StatusOK {
			t.Errorf("with the file the token endpoint of %s answers %d", host, status)
		}
	}
}

// copyOf returns a directory with a copy of the master key of another.
func copyOf(t *testing.T, p servertest.Place) string {
	t.Helper()
	other := servertest.Empty(t, servertest.SQLite)
	copyFile(t, masterKeyOf(p), masterKeyOf(other))
	return other.DataDir
}

// Of two rotations at once one is refused, in one process and in two.
func TestTwoRotationsAtOnce(t *testing.T) {
	for _, database := range servertest.Databases {
		for name, file := range map[string]func(*server.Config, servertest.Place){
			"one process":   nil,
			"two processes": func(c *server.Config, p servertest.Place) { c.MasterKeyFile = masterKeyOf(p) },
		} {
			if file != nil && database == servertest.SQLite {
				continue // it has one process
			}
			t.Run(string(database)+"/"+name, func(t *testing.T) {
				p := signed(t, database)
				arrived, goOn := make(chan struct{}), make(chan struct{})
				p.Start(t, atStep(sealed, func() error {
					close(arrived)
					<-goOn
					return nil
				}))
				other := p
				if file != nil {
					other = beside(t, p)
					other.Start(t, func(c *server.Config) { file(c, p) })
				}
				first, second := make(chan error, 1), make(chan error, 1)
				go func() {
					_, err := rotate(t, p)
					first <- err
				}()
				<-arrived
				go func() {
					_, err := rotate(t, other)
					second <- err
				}()
				var refused error
				if file == nil {
					refused = <-second
				} else {
					waitForAdvisoryLock(t, p)
				}
				close(goOn)
				if err := <-first; err != nil {
					t.Error(err)
				}
				if file != nil {
					refused = <-second
				}
				if refused == nil || !strings.Contains(refused.Error(), "409") || !strings.Contains(refused.Error(), "nothing was changed") {
					t.Errorf("the second rotation ended with %v", refused)
				}
				if names := keyFiles(t, p); len(names) != 2 {
					t.Errorf("there are the files %v", names)
				}
			})
		}
	}
}

// waitForAdvisoryLock returns once somebody waits for his turn.
func waitForAdvisoryLock(t *testing.T, p servertest.Place) {
	t.Helper()
	db := p.Open(t)
	defer db.Close()
	for end := time.Now().Add(20 * time.Second); ; {
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody waits")
		}
	}
}

// Where no new file can be written, and where one is that does not belong to a
// rotation, nothing is changed.
func TestRotationIsRefused(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, file string) (path, want string){
		// The file of a key that was opened and is gone: no other can be put there.
		"no directory to write": func(t *testing.T, file string) (path, want string) {
			open, err := os.Open(file)
			if err == nil {
				err = os.Remove(file)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { open.Close() })
			return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), open.Fd()), "--master-key-file"
		},
		"the place of the next key is taken": func(t *testing.T, file string) (path, want string) {
			if err := os.WriteFile(file+".new", []byte("something"), 0o600); err != nil {
				t.Fatal(err)
			}
			return file, file + ".new"
		},
		"the second name is taken": func(t *testing.T, file string) (path, want string) {
			former := fmt.Sprintf("%s.%x.old", file, keyIn(t, file).Fingerprint()[:4])
			if err := os.WriteFile(former, []byte(id.NewMasterKey().Text()), 0o600); err != nil {
				t.Fatal(err)
			}
			return file, former
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := signed(t, servertest.SQLite)
			text, err := os.ReadFile(masterKeyOf(p))
			if err != nil {
				t.Fatal(err)
			}
			path, want := prepare(t, masterKeyOf(p))
			s := p.Start(t, func(c *server.Config) { c.MasterKeyFile = path })
			files := keyFiles(t, p)
			_, err = rotate(t, p)
			if err == nil || !strings.Contains(err.Error(), "nothing was changed") || !strings.Contains(err.Error(), want) {
				t.Errorf("the rotation ended with %v", err)
			}
			if err != nil && strings.Contains(err.Error(), strings.TrimSpace(string(text))) {
				t.Error("the error tells the key")
			}
			if now, err := os.ReadFile(path); err != nil || path == masterKeyOf(p) && string(now) != string(text) || !slices.Equal(keyFiles(t, p), files) {
				t.Errorf("there are the files %v: %v", keyFiles(t, p), err)
			}
			owner, err := os.ReadFile(filepath.Join(p.DataDir, server.OwnerKeyFile))
			if err != nil {
				t.Fatal(err)
			}
			if status := idToken(t, s, "localhost", string(owner)); status != http.StatusOK {
				t.Errorf("the token endpoint answers %d", status)
			}
		})
	}
}

// A database that is older than its master key is told which file has its key.
func TestDatabaseOfBeforeTheRotation(t *testing.T) {
	p := signed(t, servertest.SQLite)
	backup := filepath.Join(t.TempDir(), "backup")
	copyFile(t, filepath.Join(p.DataDir, "bastide.db"), backup)
	s := p.Start(t)
	done, err := rotate(t, p)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	for _, name := range []string{"bastide.db-wal", "bastide.db-shm"} {
		if err := os.Remove(filepath.Join(p.DataDir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	copyFile(t, backup, filepath.Join(p.DataDir, "bastide.db"))
	if _, err := start(t, p); err == nil || !strings.Contains(err.Error(), done.FormerFile) {
		t.Fatalf("the start ended with %v", err)
	}
	again := p.Start(t, func(c *server.Config) { c.MasterKeyFile = done.FormerFile })
	if status := idToken(t, again, "localhost", readSecrets(t, p.DataDir)[server.OwnerKeyFile]); status != http.StatusOK {
		t.Errorf("the token endpoint answers %d", status)
	}
}

// The file may be a link: what it points at is replaced, and it stays.
func TestRotationBehindALink(t *testing.T) {
	p := signed(t, servertest.SQLite)
	file := filepath.Join(t.TempDir(), "the.key")
	if err := os.Rename(masterKeyOf(p), file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, masterKeyOf(p)); err != nil {
		t.Fatal(err)
	}
	s := p.Start(t)
	done, err := rotate(t, p)
	if err != nil || filepath.Base(done.File) != "the.key" {
		t.Fatalf("the rotation tells of %+v, %v", done, err)
	}
	s.Restart(t)
	if target, err := os.Readlink(masterKeyOf(p)); err != nil || target != file {
		t.Errorf("the link points at %s, %v", target, err)
	}
}
