// Package store opens the database, SQLite or PostgreSQL, and holds what every
// use of it goes through: the tenant scope, Write with its change events,
// lists and text search, and the translation of database errors.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
)

// Options say which database to open.
type Options struct {
	// URL is postgres://… or the path of a SQLite file.
	URL string
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// Log gets what no caller can be told; slog.Default by default.
	Log *slog.Logger
	// DefaultLimit and MaxLimit bound the pages of lists; 1000 by default.
	DefaultLimit, MaxLimit int
	// CacheSize is how many entries each cache holds: DefaultCacheSize if 0,
	// none if it is negative.
	CacheSize int
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	options Options
	dialect string
	// SQLite has one writer at a time: its own pool of one connection, so that
	// waiting is a fair queue and not a busy loop. PostgreSQL has one pool.
	readDB, writeDB *sql.DB
	read, write     *ent.Client
	turn            chan struct{} // held by the writer of SQLite; nil for PostgreSQL
	lease           *lease
	hosts           *Lookup
	caches          caches
	positions       *positions
	listener        *listener // nil where nobody else writes, or nothing is cached
}

// Open opens the database, brings it to the schema of this program and leases
// a worker number. It returns ErrTooNew for a database of a later version.
func Open(ctx context.Context, options Options) (*Store, error) {
	s, err := connect(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	if s.lease, err = s.takeLease(ctx); err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	if s.dialect == dialect.Postgres && options.CacheSize >= 0 {
		if s.listener, err = s.listen(usualPace); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// connect opens the pools and asks the database to answer.
func connect(ctx context.Context, options Options) (*Store, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.DefaultLimit == 0 {
		options.DefaultLimit = 1000
	}
	if options.MaxLimit == 0 {
		options.MaxLimit = 1000
	}
	if options.CacheSize == 0 {
		options.CacheSize = DefaultCacheSize
	}
	s := &Store{options: options, positions: newPositions()}
	var err error
	if IsPostgres(options.URL) {
		s.dialect = dialect.Postgres
		s.writeDB, err = openPostgres(options.URL)
		s.readDB = s.writeDB
	} else {
		s.dialect = dialect.SQLite
		s.writeDB, s.readDB, err = openSQLite(options.URL)
		s.turn = make(chan struct{}, 1)
		s.caches.serving.Store(true)
	}
	if err != nil {
		return nil, err
	}
	if err := s.writeDB.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database cannot be opened: %w", err), s.closePools())
	}
	s.hosts = s.hostLookup()
	s.write = s.client(s.writeDB)
	s.read = s.client(s.readDB)
	s.read.Use(func(ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) {
			return nil, errors.New("store: a change outside Write")
		})
	})
	return s, nil
}

func (s *Store) client(db *sql.DB) *ent.Client {
	client := ent.NewClient(ent.Driver(entsql.OpenDB(s.dialect, db)))
	confine(client)
	client.Use(s.trackChanges, s.checkReferences, s.stampTimes)
	return client
}

// IsPostgres reports whether a database URL names PostgreSQL.
func IsPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Read returns the client for reads. It sees the instance of the context only,
// and refuses to change anything.
func (s *Store) Read() *ent.Client { return s.read }

// Now returns the time in UTC, cut to microseconds, which is what both
// databases keep.
func (s *Store) Now() time.Time { return s.options.Now().UTC().Truncate(time.Microsecond) }

// NewID returns a new id of 18 digits, or fault.Unavailable when the database
// could not renew the lease of the worker number in time.
func (s *Store) NewID() (string, error) { return s.lease.next() }

// Ping asks the database to answer.
func (s *Store) Ping(ctx context.Context) error { return s.readDB.PingContext(ctx) }

// Close gives the worker number back and closes the database.
func (s *Store) Close() error {
	if s.listener != nil {
		s.listener.close()
	}
	return errors.Join(s.lease.release(), s.closePools())
}

func (s *Store) closePools() error {
	err := s.writeDB.Close()
	if s.readDB != s.writeDB {
		err = errors.Join(err, s.readDB.Close())
	}
	if errors.Is(Fault(err), fault.Unavailable) {
		return nil // a connection that was lost needs no goodbye
	}
	return err
}
