package store

import (
	"context"
	"errors"

	"entgo.io/ent/dialect"
)

// exclusiveKey is an arbitrary number that no other program is likely to use.
const exclusiveKey = 0x62617374696465 // "bastide"

// Exclusive runs f while no other process runs one on the same database. For
// SQLite the lock on the data directory has seen to that already.
func (s *Store) Exclusive(ctx context.Context, f func() error) (err error) {
	if s.dialect == dialect.SQLite {
		return f()
	}
	conn, err := s.writeDB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(exclusiveKey)); err != nil {
		return err
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(exclusiveKey))
		err = errors.Join(err, unlock)
	}()
	return f()
}
