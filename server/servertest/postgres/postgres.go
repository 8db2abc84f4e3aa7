//go:build unix

// Package postgres starts PostgreSQL servers for tests.
//
// A server lives in a directory of its own below the temporary directory,
// listens on a socket in it and nowhere else, and is gone with its data when
// the process that started it ends, however it ends. It trades durability for
// speed.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// External is the environment variable that names a running PostgreSQL, by the
// DSN of a superuser, for Shared to use instead of a server of its own.
const External = "BASTIDE_TEST_POSTGRES"

// settings make the server quick and forgetful. The odd time zone makes a
// test fail that takes the session's zone for UTC.
const settings = `
listen_addresses = ''
unix_socket_directories = '%s'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 300
timezone = 'Asia/Kathmandu'
`

// maxSocketDir leaves room for "/.s.PGSQL.5432" in the 104 bytes that the
// narrowest system has for the path of a socket.
const maxSocketDir = 85

// Server is a PostgreSQL server. Its methods may be called concurrently, but
// for Stop, Restart and Close.
type Server struct {
	dsn    url.URL
	prefix string // of the names of databases; empty for a server of our own
	admin  admin

	// Of a server of our own.
	pgctl      string
	dir        string
	reaper     *exec.Cmd
	reaperPipe io.Closer
}

// Start starts a server that the caller closes. It returns an error that says
// what to install when there is no PostgreSQL.
func Start(ctx context.Context) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := makeDir()
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s := &Server{
		dir: dir,
		dsn: url.URL{
			Scheme:   "postgres",
			User:     url.User(superuser),
			RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode(),
		},
	}
	if bin, err = s.reachable(ctx, bin); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.pgctl = filepath.Join(bin, "pg_ctl")
	if err := s.startReaper(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.boot(ctx, filepath.Join(bin, "initdb")); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

var shared struct {
	sync.Mutex
	server *Server
}

// Shared returns the one server of this process, which the first call starts
// and the end of the process stops, or the one that BASTIDE_TEST_POSTGRES
// names. The returned server must not be stopped, restarted or closed. The
// errors are those of Start.
func Shared(ctx context.Context) (*Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server, nil
	}
	connect := Start
	if os.Getenv(External) != "" {
		connect = external
	}
	s, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	shared.server = s
	return s, nil
}

// makeDir returns a new directory that is short enough for a socket and
// belongs to the user whom the server runs as.
func makeDir() (string, error) {
	base := os.TempDir()
	if len(base)+len("/bastide-postgres-0123456789") > maxSocketDir {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "bastide-postgres-")
	if err != nil {
		return "", err
	}
	if err := giveAway(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// boot makes the cluster and starts the server on it.
func (s *Server) boot(ctx context.Context, initdb string) error {
	err := s.run(ctx, initdb, "-D", s.data(), "-U", superuser, "-E", "UTF8", "--no-locale",
		"--auth=trust", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	_, err = fmt.Fprintf(conf, settings, strings.ReplaceAll(s.dir, "'", "''"))
	if err := errors.Join(err, conf.Close()); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return s.Restart(ctx)
}

// Restart starts the server after Stop, on the same address and with the same
// data, and returns when it answers.
func (s *Server) Restart(ctx context.Context) error {
	err := s.run(ctx, s.pgctl, "-D", s.data(), "-l", s.log(), "-w", "start")
	if err == nil {
		return nil
	}
	if text, readErr := os.ReadFile(s.log()); readErr == nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return err
}

// Stop ends the server, and with it every connection, and keeps its data for
// Restart. It returns when the server is gone.
func (s *Server) Stop(ctx context.Context) error {
	if s.dir == "" {
		return errors.New("postgres: the server of " + External + " is not ours to stop")
	}
	s.admin.close()
	return s.run(ctx, s.pgctl, "-D", s.data(), "-m", "fast", "-w", "stop")
}

// Close ends the server and removes its data.
func (s *Server) Close() error {
	s.admin.close()
	if s.dir == "" {
		return nil
	}
	if err := s.reaperPipe.Close(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := s.reaper.Wait(); err != nil {
		return fmt.Errorf("postgres: cleaning %s: %w", s.dir, err)
	}
	return nil
}
