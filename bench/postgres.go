package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "github.com/lib/pq" // the driver

	pg "github.com/bastide-id/bastide/server/servertest/postgres"
)

// database is a PostgreSQL server of our own.
type database struct {
	server  *pg.Server
	control *sql.DB
	version string
	meter   meter
}

// durable takes back what makes a server for tests quick and forgetful, and has
// statements counted.
var durable = []string{
	"ALTER SYSTEM SET fsync = on",
	"ALTER SYSTEM SET synchronous_commit = on",
	"ALTER SYSTEM SET full_page_writes = on",
	"ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'",
	"ALTER SYSTEM SET pg_stat_statements.track = 'top'",
}

// startPostgres starts PostgreSQL with durable commits. It returns an error
// that says what to install if there is none.
func startPostgres(ctx context.Context) (*database, error) {
	s, err := pg.Start(ctx)
	if err != nil {
		return nil, err
	}
	d := &database{server: s}
	if err := d.prepare(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) prepare(ctx context.Context) (err error) {
	if d.control, err = sql.Open("postgres", d.server.DSN("postgres")); err != nil {
		return err
	}
	d.control.SetMaxOpenConns(1)
	// The setting of a library is unknown until the library is loaded, which
	// takes a start of its own.
	if err := d.exec(ctx, durable[:len(durable)-1]...); err != nil {
		return err
	}
	if err := d.restart(ctx); err != nil {
		return fmt.Errorf("does this PostgreSQL come with pg_stat_statements? %w", err)
	}
	if err := d.exec(ctx, "CREATE EXTENSION pg_stat_statements", durable[len(durable)-1]); err != nil {
		return err
	}
	if err := d.restart(ctx); err != nil {
		return err
	}
	if err := d.control.QueryRowContext(ctx, "SHOW server_version").Scan(&d.version); err != nil {
		return err
	}
	var backend int
	if err := d.control.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	if !measurable {
		return nil
	}
	postmaster, err := parentOf(backend)
	d.meter = ofFamily(postmaster)
	return err
}

func (d *database) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.control.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (d *database) restart(ctx context.Context) error {
	if err := d.server.Stop(ctx); err != nil {
		return err
	}
	return d.server.Restart(ctx)
}

func (d *database) close() error {
	if d.control != nil {
		_ = d.control.Close()
	}
	return d.server.Close()
}

// statements is what a call costs in SQL.
type statements struct {
	// all counts every statement, transactions those that begin and end one.
	all, transactions float64
}

// counted is how many calls the statements are counted of. It is large enough
// for what the server does beside the calls to vanish.
const counted = 200

// countQuery leaves out what this program asks on its own connection.
const countQuery = `
SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER (WHERE query ~* '^(begin|start|commit|rollback)'), 0)
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
WHERE datname <> current_database()`

// statementsOf makes a call again and again and counts what arrives at the
// database.
func (d *database) statementsOf(ctx context.Context, t target, c call) (s statements, err error) {
	client, err := t.dial(ctx, c, c.over([]string{grpc})[0], c.message(t.instanceID), spare)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	if err := client.do(); err != nil {
		return s, err
	}
	if err := d.exec(ctx, "SELECT pg_stat_statements_reset()"); err != nil {
		return s, err
	}
	for range counted {
		if err := client.do(); err != nil {
			return s, err
		}
	}
	if err := d.control.QueryRowContext(ctx, countQuery).Scan(&s.all, &s.transactions); err != nil {
		return s, err
	}
	s.all /= counted
	s.transactions /= counted
	return s, nil
}

// stopCounting spares what is measured later the cost of counting.
func (d *database) stopCounting(ctx context.Context) error {
	return d.exec(ctx, "ALTER SYSTEM SET pg_stat_statements.track = 'none'", "SELECT pg_reload_conf()")
}
