//go:build unix

package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/lib/pq"
)

// external returns the server that the environment names. Its databases get
// names of this process, as others may use the server too.
func external(ctx context.Context) (*Server, error) {
	dsn, err := url.Parse(os.Getenv(External))
	if err != nil || dsn.Scheme != "postgres" && dsn.Scheme != "postgresql" {
		return nil, fmt.Errorf("postgres: %s must be a postgres:// URL", External)
	}
	s := &Server{dsn: *dsn, prefix: "bastide_" + strings.ToLower(rand.Text()[:10]) + "_"}
	db, err := s.admin.open(s.dsn.String())
	if err != nil {
		return nil, fmt.Errorf("postgres: %s: %w", External, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("postgres: %s: %w", External, err)
	}
	return s, nil
}

// admin is the connection that makes databases, opened when first needed and
// again after a stop.
type admin struct {
	mu sync.Mutex
	db *sql.DB
}

func (a *admin) open(dsn string) (*sql.DB, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.db != nil {
		return a.db, nil
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	a.db = db
	return db, nil
}

func (a *admin) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.db != nil {
		a.db.Close()
		a.db = nil
	}
}

// DSN returns the URL of the database called name, whether it exists or not.
func (s *Server) DSN(name string) string {
	dsn := s.dsn
	dsn.Path = "/" + s.prefix + name
	return dsn.String()
}

// Create makes an empty database called name and returns its URL. It returns
// an error when there is one already.
func (s *Server) Create(ctx context.Context, name string) (dsn string, err error) {
	return s.Clone(ctx, "", name)
}

// Clone makes a database called name that holds all that template holds, and
// returns its URL. Nobody may be connected to the template meanwhile.
func (s *Server) Clone(ctx context.Context, template, name string) (dsn string, err error) {
	source := "template0" // which nobody has ever written to
	if template != "" {
		source = s.prefix + template
	}
	err = s.exec(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(s.prefix+name)+" TEMPLATE "+pq.QuoteIdentifier(source))
	if err != nil {
		return "", err
	}
	return s.DSN(name), nil
}

// Drop removes the database called name and ends the connections to it. A
// database that does not exist is no error.
func (s *Server) Drop(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(s.prefix+name)+" WITH (FORCE)")
}

// exec runs a statement in the database that every server has.
func (s *Server) exec(ctx context.Context, statement string) error {
	dsn := s.dsn
	if s.dir != "" {
		dsn.Path = "/postgres"
	}
	db, err := s.admin.open(dsn.String())
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("postgres: %s: %w", statement, err)
	}
	return nil
}
