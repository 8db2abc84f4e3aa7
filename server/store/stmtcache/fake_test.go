package stmtcache_test

import (
	"context"
	"database/sql/driver"
	"io"
	"sync"
)

// database is a driver that counts what is done with its statements.
type database struct {
	mu       sync.Mutex
	prepared map[string]int // by text
	open     map[*statement]bool
	maxOpen  int
	// failing are the texts whose statements fail, and how.
	failing map[string]error
	// broken tells connections to say that they are.
	broken error
	conns  int
}

func newDatabase() *database {
	return &database{prepared: map[string]int{}, open: map[*statement]bool{}, failing: map[string]error{}}
}

func (d *database) Connect(context.Context) (driver.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns++
	return &connection{database: d}, nil
}

func (d *database) Driver() driver.Driver { return nil }

func (d *database) count(query string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.prepared[query]
}

func (d *database) openStatements() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.open)
}

func (d *database) fail(query string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing[query] = err
}

type connection struct {
	database *database
	plain    []string // what came without arguments
}

func (c *connection) Prepare(query string) (driver.Stmt, error) {
	d := c.database
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failing["prepare "+query]; err != nil {
		return nil, err
	}
	d.prepared[query]++
	s := &statement{database: d, query: query}
	d.open[s] = true
	d.maxOpen = max(d.maxOpen, len(d.open))
	return s, nil
}

func (c *connection) Close() error              { return nil }
func (c *connection) Begin() (driver.Tx, error) { return transaction{}, nil }

func (c *connection) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	c.plain = append(c.plain, query)
	return driver.RowsAffected(0), nil
}

type transaction struct{}

func (transaction) Commit() error   { return nil }
func (transaction) Rollback() error { return nil }

type statement struct {
	database *database
	query    string
	busy     bool
}

func (s *statement) NumInput() int { return -1 }

// begin says how the statement is to end; it panics when the statement is used
// twice at once or after its end.
func (s *statement) begin() error {
	s.database.mu.Lock()
	defer s.database.mu.Unlock()
	if !s.database.open[s] || s.busy {
		panic("a statement is used that is closed or in use: " + s.query)
	}
	return s.database.failing[s.query]
}

func (s *statement) Exec([]driver.Value) (driver.Result, error) { panic("the old interface is used") }
func (s *statement) Query([]driver.Value) (driver.Rows, error)  { panic("the old interface is used") }

func (s *statement) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), s.begin()
}

func (s *statement) QueryContext(_ context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	s.busy = true
	return &result{of: s, left: 2}, nil
}

func (s *statement) Close() error {
	s.database.mu.Lock()
	defer s.database.mu.Unlock()
	if !s.database.open[s] {
		panic("a statement is closed twice: " + s.query)
	}
	delete(s.database.open, s)
	return nil
}

type result struct {
	of   *statement
	left int
}

func (r *result) Columns() []string { return []string{"n"} }

func (r *result) Close() error {
	r.of.busy = false
	r.of.database.mu.Lock()
	defer r.of.database.mu.Unlock()
	return r.of.database.failing["close "+r.of.query]
}

func (r *result) Next(into []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	into[0] = int64(r.left)
	return nil
}

// IsValid makes database/sql drop a connection that is broken.
func (c *connection) IsValid() bool {
	c.database.mu.Lock()
	defer c.database.mu.Unlock()
	return c.database.broken == nil
}
