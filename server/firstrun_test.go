package server_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/store"
)

var secretFiles = []string{"master.key", server.SystemKeyFile, server.OwnerTokenFile, server.OwnerKeyFile}

// readSecrets returns the secret files of a data directory, which only the
// owner of the process may read.
func readSecrets(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, name := range append(secretFiles, "admin.sock") {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %o", name, mode)
		}
	}
	for _, name := range secretFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %d bytes, %v", name, len(text), err)
		}
		texts[name] = string(text)
	}
	return texts
}

// start makes a server that does not serve; a start that fails leaves nothing
// running.
func start(t *testing.T, p servertest.Place, options ...servertest.Option) (*server.Server, error) {
	t.Helper()
	s, err := server.New(t.Context(), p.Config(options...))
	if err == nil {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

func TestFirstRun(t *testing.T) {
	servertest.EachEmpty(t, func(t *testing.T, p servertest.Place) {
		p.DataDir = filepath.Join(p.DataDir, "below", "data")
		s := p.Start(t)
		if !s.Running.FirstRun() {
			t.Error("the server does not know of its first run")
		}
		if info, err := os.Stat(p.DataDir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the data directory has the mode %o, %v", info.Mode().Perm(), err)
		}
		secrets := readSecrets(t, p.DataDir)

		first := s.First(t)
		servertest.OK(first.Owner.Admin.GetMyInstance(t.Context(), nil))(t)
		servertest.OK(first.Owner.Management.GetMyOrg(t.Context(), nil))(t)
		access := s.Exchange(t, "localhost", []byte(secrets[server.OwnerKeyFile]))
		if me := servertest.OK(s.As(access).Auth.GetMyUser(t.Context(), nil))(t); me.GetUser().GetId() != first.OwnerID {
			t.Errorf("the owner's key is that of %s", me.GetUser().GetId())
		}
		made := s.NewInstance(t, "acme")

		rows := s.Rows(t)
		s.Restart(t)
		if s.Running.FirstRun() {
			t.Error("the second start takes itself for the first")
		}
		for name, text := range readSecrets(t, p.DataDir) {
			if text != secrets[name] {
				t.Errorf("the second start wrote another %s", name)
			}
		}
		servertest.SameRows(t, rows, s.Rows(t))
		for _, token := range []string{s.OwnerToken, access} {
			servertest.OK(s.As(token).Auth.GetMyUser(t.Context(), nil))(t)
		}
		servertest.OK(s.As(made.OwnerToken).On(made.Domain).Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// A first run never touches the secrets of an installation whose database is
// another one.
func TestFirstRunBesideAnotherInstallation(t *testing.T) {
	for _, database := range servertest.Databases {
		t.Run(string(database), func(t *testing.T) {
			p := servertest.Installed(t, database)
			secrets := map[string]string{}
			for _, name := range secretFiles {
				text, err := os.ReadFile(filepath.Join(p.DataDir, name))
				if err != nil {
					t.Fatal(err)
				}
				secrets[name] = string(text)
			}
			other := servertest.Empty(t, servertest.Postgres)
			other.DataDir = p.DataDir
			for _, left := range secretFiles[1:] { // each of them alone is enough
				for name := range secrets {
					if name != left {
						if err := os.Remove(filepath.Join(p.DataDir, name)); err != nil {
							t.Fatal(err)
						}
					}
				}
				_, err := start(t, other)
				if err == nil || !strings.Contains(err.Error(), "--data-dir") || !strings.Contains(err.Error(), left) {
					t.Errorf("with %s in the data directory: %v", left, err)
				}
				for name, text := range secrets {
					found, err := os.ReadFile(filepath.Join(p.DataDir, name))
					if name == left && string(found) != text || name != left && !errors.Is(err, os.ErrNotExist) {
						t.Errorf("with %s in the data directory %s was changed", left, name)
					}
					if err := os.WriteFile(filepath.Join(p.DataDir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if rows := other.Rows(t); rows["installations"]+rows["instances"] > 0 {
				t.Errorf("the other database has %v", rows)
			}
			s := p.Start(t)
			servertest.OK(s.First(t).Owner.Auth.GetMyUser(t.Context(), nil))(t)
			servertest.OK(s.AsSystem(t).System.ListInstances(t.Context(), nil))(t)
		})
	}
}

// Without the master key of the database nothing starts.
func TestMasterKey(t *testing.T) {
	for _, database := range servertest.Databases {
		t.Run(string(database), func(t *testing.T) {
			p := servertest.Installed(t, database)
			file := filepath.Join(p.DataDir, "master.key")
			right, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			other, err := os.ReadFile(filepath.Join(anotherInstallation(t), "master.key"))
			if err != nil {
				t.Fatal(err)
			}
			rows := p.Rows(t)
			for name, text := range map[string]string{"wrong": string(other), "cut": string(right[:20]), "empty": "", "missing": "-"} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if text == "-" {
					if err := os.Remove(file); err != nil {
						t.Fatal(err)
					}
				}
				_, err := start(t, p)
				if err == nil || !strings.Contains(err.Error(), "--master-key-file") || text != "" && strings.Contains(err.Error(), strings.TrimSpace(text)+" ") {
					t.Errorf("%s: %v", name, err)
				}
			}
			servertest.SameRows(t, rows, p.Rows(t))
			elsewhere := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(elsewhere, right, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := start(t, p, func(c *server.Config) { c.MasterKeyFile = elsewhere }); err != nil {
				t.Error(err)
			}
		})
	}
}

// anotherInstallation returns the data directory of another installation.
func anotherInstallation(t *testing.T) string {
	t.Helper()
	p := servertest.Empty(t, servertest.SQLite)
	if _, err := start(t, p); err != nil {
		t.Fatal(err)
	}
	return p.DataDir
}

// One process at a time uses a data directory, also with PostgreSQL.
func TestDataDirectoryIsLocked(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		if _, err := start(t, s.Place); !errors.Is(err, server.ErrLocked) || !strings.Contains(err.Error(), s.DataDir) {
			t.Errorf("the second process: %v", err)
		}
		if _, err := server.Migrate(t.Context(), s.Config()); !errors.Is(err, server.ErrLocked) {
			t.Errorf("migrate: %v", err)
		}
		servertest.OK(s.As(s.OwnerToken).Auth.GetMyUser(t.Context(), nil))(t)
		s.Stop(t)
		if _, err := start(t, s.Place); err != nil {
			t.Errorf("after the first process: %v", err)
		}
	})
}

// A database that a later version wrote is left alone.
func TestDatabaseOfALaterVersion(t *testing.T) {
	for _, database := range servertest.Databases {
		t.Run(string(database), func(t *testing.T) {
			p := servertest.Installed(t, database)
			p.Exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, true)`)
			_, err := start(t, p)
			if !errors.Is(err, store.ErrTooNew) || !strings.Contains(err.Error(), "99990101000000") || !strings.Contains(err.Error(), "later version") {
				t.Errorf("the server: %v", err)
			}
			if _, err := server.Migrate(t.Context(), p.Config()); !errors.Is(err, store.ErrTooNew) {
				t.Errorf("migrate: %v", err)
			}
		})
	}
}

// Of two processes that meet on an empty PostgreSQL one makes the first run.
// The other refuses, or serves the same installation when it has the key.
func TestTwoFirstRuns(t *testing.T) {
	for name, shared := range map[string]bool{"a key each": false, "one key": true} {
		t.Run(name, func(t *testing.T) {
			places := [2]servertest.Place{servertest.Empty(t, servertest.Postgres), servertest.Empty(t, servertest.SQLite)}
			places[1].Kind, places[1].Database = servertest.Postgres, places[0].Database
			options := func(c *server.Config) {
				if shared {
					c.MasterKeyFile = filepath.Join(places[0].DataDir, "master.key")
				}
			}
			var servers [2]*server.Server
			var errs [2]error
			atOnce(2, func(n int) { servers[n], errs[n] = server.New(context.Background(), places[n].Config(options)) })
			first := 0
			for n, s := range servers {
				if errs[n] != nil {
					continue
				}
				if s.FirstRun() {
					first++
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			failed := errors.Join(errs[:]...)
			if first != 1 || shared && failed != nil || !shared && (failed == nil || !strings.Contains(failed.Error(), "--master-key-file")) {
				t.Errorf("%d first runs: %v", first, failed)
			}
			if rows := places[0].Rows(t); rows["instances"] != 1 || rows["installations"] != 1 || rows["users"] != 1 {
				t.Errorf("the database has %v", rows)
			}
		})
	}
}
