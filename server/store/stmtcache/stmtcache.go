// Package stmtcache keeps the prepared statements of a database connection.
//
// ent hands the text of every statement to the driver anew. SQLite would parse
// and plan it each time, and lib/pq would ask the server one more time.
package stmtcache

import (
	"context"
	"database/sql/driver"
)

// perConn bounds the statements that a connection keeps.
const perConn = 256

// Wrap returns a connector whose connections prepare each statement once.
func Wrap(c driver.Connector) driver.Connector { return connector{c} }

type connector struct{ driver.Connector }

// Connect opens a connection with an empty cache.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner, idle: make(map[string]driver.Stmt)}, nil
}

// conn is used by one goroutine at a time, as database/sql promises.
type conn struct {
	driver.Conn
	idle map[string]driver.Stmt // a statement in use is not in here
}

// take returns a statement that nobody else uses.
func (c *conn) take(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return s, nil
	}
	return c.PrepareContext(ctx, query)
}

// put keeps a statement that did its work. One that failed is closed instead,
// for the plan or the connection may be why.
func (c *conn) put(query string, s driver.Stmt) {
	if _, ok := c.idle[query]; ok {
		_ = s.Close()
		return
	}
	if len(c.idle) >= perConn {
		for q, old := range c.idle { // any one
			_ = old.Close()
			delete(c.idle, q)
			break
		}
	}
	c.idle[query] = s
}

// QueryContext runs a query with a kept statement.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	q, ok := s.(driver.StmtQueryContext)
	if !ok {
		_ = s.Close()
		return nil, driver.ErrSkip
	}
	r, err := q.QueryContext(ctx, args)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return &rows{Rows: r, done: func(err error) {
		if err == nil {
			c.put(query, s)
		} else {
			_ = s.Close()
		}
	}}, nil
}

// ExecContext runs a statement with a kept one. Without arguments the text may
// hold several statements, as migrations do, so it goes to the driver as it is.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		if e, ok := c.Conn.(driver.ExecerContext); ok {
			return e.ExecContext(ctx, query, args)
		}
		return nil, driver.ErrSkip
	}
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	e, ok := s.(driver.StmtExecContext)
	if !ok {
		_ = s.Close()
		return nil, driver.ErrSkip
	}
	r, err := e.ExecContext(ctx, args)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	c.put(query, s)
	return r, nil
}

// PrepareContext prepares a statement that is not kept.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	return c.Conn.Prepare(query)
}

// BeginTx passes on to the driver.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	//lint:ignore SA1019 a driver may have nothing newer
	return c.Conn.Begin()
}

// Ping passes on to the driver.
func (c *conn) Ping(ctx context.Context) error {
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession passes on to the driver.
func (c *conn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid passes on to the driver.
func (c *conn) IsValid() bool {
	if v, ok := c.Conn.(driver.Validator); ok {
		return v.IsValid()
	}
	return true
}

// CheckNamedValue passes on to the driver.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Close closes the kept statements and the connection.
func (c *conn) Close() error {
	for _, s := range c.idle {
		_ = s.Close()
	}
	clear(c.idle)
	return c.Conn.Close()
}

// rows gives its statement back when it is closed.
type rows struct {
	driver.Rows
	done func(err error)
}

// Close closes the rows. The statement is kept only if that went well.
func (r *rows) Close() error {
	err := r.Rows.Close()
	if r.done != nil {
		r.done(err)
	}
	r.done = nil
	return err
}
