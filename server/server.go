// Package server puts the rooms together: New returns a server that listens,
// Run serves until its context ends.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/password"
	"github.com/bastide-id/bastide/server/directory/removal"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/job"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/wire"
)

// GCPercent is what a process that only serves should run its collector with
// (runtime/debug.SetGCPercent): the live heap is a few megabytes, so that the
// default would have it collect all the time.
const GCPercent = 400

// sweepJob is the name of the job that deletes what has expired.
const sweepJob = "sweep"

// Server is a running installation of Bastide.
type Server struct {
	config     Config
	log        *slog.Logger
	lock       *directoryLock
	listener   net.Listener
	store      *store.Store
	masterKeys *masterKeys
	tokens     *token.Tokens
	removals   *removal.Runner
	jobs       *job.Runner
	http       *http.Server
	admin      *adminServer
	firstRun   bool
}

// New opens the data directory, listens, opens the database and brings it to
// the schema of this program, and does what a first run has to do. It serves
// only once Run is called, but answers ReadStatus already.
//
// It returns ErrLocked if another process uses the data directory,
// store.ErrTooNew for a database of a later version, and an error that names
// the setting to change for a configuration that does not fit.
func New(ctx context.Context, config Config) (s *Server, err error) {
	if config, err = config.WithDefaults(); err != nil {
		return nil, err
	}
	s = &Server{config: config, log: config.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if s.lock, err = lockDirectory(config.DataDir); err != nil {
		return s, err
	}
	if s.listener, err = s.listen(ctx); err != nil {
		return s, err
	}
	if s.admin, err = s.listenAdmin(ctx); err != nil {
		return s, err
	}
	s.config.ExternalPort = cmp.Or(s.config.ExternalPort, s.listener.Addr().(*net.TCPAddr).Port)
	if s.store, err = store.Open(ctx, s.storeOptions()); err != nil {
		return s, err
	}
	if err = s.assemble(ctx); err == nil {
		s.admin.serve()
	}
	return s, err
}

func (s *Server) storeOptions() store.Options {
	return store.Options{
		URL:          databaseURL(s.config),
		Now:          s.config.Now,
		Log:          s.log,
		DefaultLimit: s.config.Limits.DefaultListLimit,
		MaxLimit:     s.config.Limits.MaxListLimit,
		CacheSize:    s.config.CacheSize,
	}
}

// listen opens the port, with TLS where a certificate is configured.
func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	var certificates []tls.Certificate
	if s.config.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		certificates = append(certificates, pair)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if certificates != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	return l, nil
}

// assemble makes the rooms and hands each what it asks of others.
func (s *Server) assemble(ctx context.Context) error {
	hasher := password.NewHasher(s.config.Limits.PasswordWorkers)
	users := user.NewUsers(s.store, hasher)
	users.Keep = membership.KeepOwners
	installation, masterKey, err := s.openInstallation(ctx, users)
	if err != nil {
		return err
	}
	s.masterKeys = s.newMasterKeys(masterKey)
	systemUsers, err := s.systemUsers(installation.SystemPublicKey)
	if err != nil {
		return err
	}
	s.tokens, err = token.New(token.Options{
		Store: s.store, MasterKey: s.masterKeys.ring, SystemUsers: systemUsers, KeyLifetime: s.config.SigningKeyLifetime, Log: s.log,
		MayImpersonate: func(ctx context.Context, actorID string, userKey int64, organizationID string) (bool, error) {
			return membership.MayImpersonate(ctx, s.store, actorID, userKey, organizationID, "")
		},
		Expect: func(at time.Time) { s.jobs.Expect(sweepJob, at) },
	})
	if err != nil {
		return err
	}
	s.jobs = job.New(job.Options{Now: s.config.Now, Log: s.log, Jobs: []job.Job{
		{Name: sweepJob, Rest: time.Minute, Run: s.tokens.Sweep},
		{Name: "signing keys", Run: s.tokens.RotateDue},
	}})
	s.removals = removal.New(removal.Options{Store: s.store, Batch: s.config.EraseBatch, Log: s.log})
	instances := &instance.Instances{Store: s.store, Users: users, Tokens: s.tokens, Removals: s.removals, ExternalDomain: s.config.ExternalDomain}
	organizations := &organization.Organizations{Store: s.store, Removals: s.removals}
	hosts := s.hosts(installation.FirstInstanceID)
	origins, err := s.origins()
	if err != nil {
		return err
	}
	w, err := wire.New(wire.Config{
		Resolve:        hosts.resolve,
		Authenticate:   s.tokens.Authenticate,
		Memberships:    s.tokens.Memberships,
		Directory:      s.permissionDirectory(),
		Pages:          s.masterKeys.ring.Pages(),
		Heard:          s.store.Heard,
		Confirm:        s.store.Confirm,
		Translate:      store.Fault,
		Ready:          s.store.Ping,
		ExternalURL:    s.URL(),
		Secure:         s.config.ExternalSecure,
		TrustedProxies: s.config.TrustedProxies,
		Origins:        origins,
		Documents:      s.documents(),
		Limits:         s.config.Limits.wire(),
		Log:            s.log,

		CrossOriginPaths: oauth.CrossOriginPaths,
	})
	if err != nil {
		return err
	}
	handler, err := w.Handler(s.services(users, instances, organizations, w.HandlerOptions()), oauth.New(oauth.Options{Store: s.store, Tokens: s.tokens, Log: s.log}))
	if err != nil {
		return err
	}
	s.http = w.Server(handler)
	return nil
}

// Run serves until ctx ends; then it takes no more connections, lets running
// calls end within the drain timeout, and returns.
func (s *Server) Run(ctx context.Context) error {
	s.tokens.Start()
	s.removals.Start()
	s.jobs.Start()
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Limits.DrainTimeout)
	defer cancel()
	started := time.Now()
	if err := s.http.Shutdown(draining); err != nil {
		s.log.Warn("calls were cut off: they did not end in time", "waited", time.Since(started))
		return s.http.Close()
	}
	return nil
}

// Close releases everything that New took. It is to be called once, after Run.
func (s *Server) Close() error {
	var errs []error
	if s.admin != nil {
		errs = append(errs, s.admin.close())
	}
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.masterKeys != nil {
		s.masterKeys.close()
	}
	if s.jobs != nil {
		s.jobs.Close()
	}
	if s.removals != nil {
		s.removals.Close()
	}
	if s.tokens != nil {
		errs = append(errs, s.tokens.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Erased returns when everything that was removed before is erased too, or the
// error of ctx.
func (s *Server) Erased(ctx context.Context) error { return s.removals.Wait(ctx) }

// URL returns where callers find the server.
func (s *Server) URL() string { return s.config.ExternalURL() }

// Address returns what the server listens on, host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// FirstRun reports whether New made the installation, or brought to its end a
// first run that was interrupted after the database had committed.
func (s *Server) FirstRun() bool { return s.firstRun }
