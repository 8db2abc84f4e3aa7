//go:build unix

// Package servertest runs the true server on each database, for the tests of
// everything that a caller can see.
//
// A test gets an installation of its own, a copy of one whose first run was
// made once for the process. Whatever secret a caller sends or is answered is
// looked for in the log when the server stops: a test fails that finds one, as
// it does for an internal error.
package servertest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server"
)

// Version is what the servers of tests say their version is.
const Version = "1.2.3-test"

// Option changes the configuration of a server before it starts.
type Option func(*server.Config)

// Server is a server that runs.
type Server struct {
	// Running is the server itself, for what no caller can do.
	Running *server.Server
	// URL is the external URL; the audience of a system user's token.
	URL string
	// Address is where the server listens, host:port.
	Address string
	// Place is where its installation is kept.
	Place
	// InstanceID is the first instance, OwnerToken the token of its owner.
	InstanceID string
	OwnerToken string
	Clock      *Clock

	options []Option
	log     *log
	secrets *secrets
	http1   *http.Client
	http2   *http.Client
	stop    context.CancelFunc
	ended   chan error
}

// Each runs a test on a fresh installation on each database.
func Each(t *testing.T, test func(*testing.T, *Server), options ...Option) {
	t.Helper()
	for _, database := range Databases {
		t.Run(string(database), func(t *testing.T) {
			test(t, Installed(t, database).Start(t, options...))
		})
	}
}

// EachEmpty runs a test on an empty data directory and database of each kind.
func EachEmpty(t *testing.T, test func(*testing.T, Place)) {
	t.Helper()
	for _, database := range Databases {
		t.Run(string(database), func(t *testing.T) { test(t, Empty(t, database)) })
	}
}

// Start starts a server on the place, until the test ends or Stop is called.
func (p Place) Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{Place: p, Clock: &Clock{}, options: options, log: &log{}, secrets: &secrets{}}
	t.Cleanup(func() {
		s.Stop(t)
		s.checkLog(t)
	})
	s.start(t)
	return s
}

// Config returns the configuration that Start begins with: a free port of the
// loopback interface.
func (p Place) Config(options ...Option) server.Config {
	config := server.Config{
		Listen:   "127.0.0.1:0",
		DataDir:  p.DataDir,
		Database: p.Database,
		Version:  Version,
		Log:      slog.New(slog.DiscardHandler),
	}
	for _, change := range options {
		change(&config)
	}
	return config
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	config := s.Config(append([]Option{func(c *server.Config) {
		c.Now = s.Clock.Now
		c.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}}, s.options...)...)
	running, err := server.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	s.Running, s.URL, s.Address = running, running.URL(), running.Address()
	s.http1, s.http2 = s.client(false), s.client(true)
	s.ended = make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.ended <- running.Run(ctx) }()
	alive, err := s.http1.Get(s.URL + "/debug/healthz") // waits until the server serves
	if err != nil {
		t.Fatal(err)
	}
	alive.Body.Close()
	s.readOwner(t)
}

// readOwner reads what the first run left in the data directory. Another
// process may have made it, in a directory of its own.
func (s *Server) readOwner(t testing.TB) {
	t.Helper()
	for _, name := range []string{server.OwnerTokenFile, server.OwnerKeyFile, server.SystemKeyFile, "master.key"} {
		text, err := os.ReadFile(filepath.Join(s.DataDir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s.secrets.addFile(string(text))
		if name == server.OwnerTokenFile {
			s.OwnerToken = strings.TrimSpace(string(text))
		}
	}
	db := s.Open(t)
	defer db.Close()
	if err := db.QueryRow(`SELECT first_instance_id FROM installations`).Scan(&s.InstanceID); err != nil {
		t.Fatal(err)
	}
}

// Stop drains the server and ends it. A server that does not run is left
// alone.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.stop == nil {
		return
	}
	s.http1.CloseIdleConnections()
	s.http2.CloseIdleConnections()
	s.stop()
	s.stop = nil
	if err := errors.Join(<-s.ended, s.Running.Close()); err != nil {
		t.Error(err)
	}
}

// Erased waits until nothing is left of what was removed.
func (s *Server) Erased(t testing.TB) {
	t.Helper()
	if err := s.Running.Erased(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Restart stops the server and starts it again on the same installation, on
// another port, with more options.
func (s *Server) Restart(t testing.TB, options ...Option) {
	t.Helper()
	s.Stop(t)
	s.options = append(s.options, options...)
	s.start(t)
}

// client returns a client that finds the server whatever host a URL names, by
// HTTP/1.1 or by HTTP/2 without TLS.
func (s *Server) client(h2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2)
	protocols.SetUnencryptedHTTP2(h2)
	return &http.Client{Transport: &http.Transport{
		Protocols:           protocols,
		MaxIdleConnsPerHost: 128,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		},
	}}
}

// HTTP returns a client of HTTP/1.1 that finds the server whatever host a URL
// names.
func (s *Server) HTTP() *http.Client { return s.http1 }

// Clock is a clock that tests can move on.
type Clock struct{ ahead atomic.Int64 }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock. The worker number that a server makes its ids with
// is leased for an hour: tests stay within.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }
