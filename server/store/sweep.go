package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/usedassertion"
	"github.com/bastide-id/bastide/server/store/across"
)

// expiring are the tables whose rows are good for nothing once they have
// expired, and are their own record: nothing tells of their end.
var expiring = []string{accesstoken.Table, usedassertion.Table}

// expiresAt is the column of that name in each of them. It leads an index.
const expiresAt = "expires_at"

// Sweep deletes about as many rows as the limit that have expired, of all
// instances, for which ctx has to come from across.Instances. It returns how
// many; none are left if there were fewer than the limit, but for those that
// another process is about to delete. Caches keep what they hold: whoever gets
// an answer of theirs looks at the clock.
func (tx *Tx) Sweep(ctx context.Context, limit int) (n int, err error) {
	if !across.Is(ctx) {
		return 0, errNoInstance
	}
	for _, table := range expiring {
		condition := `id IN (` + someExpired(table) + `)`
		if tx.store.dialect == dialect.Postgres {
			// An array is made once; what stands behind IN may be run for each row.
			condition = `id = ANY(ARRAY(` + someExpired(table) + ` FOR UPDATE SKIP LOCKED))`
		}
		result, err := tx.ExecContext(ctx, tx.store.rebind(`DELETE FROM `+quote(table)+` WHERE `+condition), tx.Now(), limit-n)
		if err != nil {
			return n, err
		}
		deleted, err := result.RowsAffected()
		if err != nil {
			return n, err
		}
		if n += int(deleted); n >= limit {
			return n, nil
		}
	}
	return n, nil
}

// someExpired is the query for rows that had expired at a time, a number of them
// at most.
func someExpired(table string) string {
	return `SELECT id FROM ` + quote(table) + ` WHERE ` + expiresAt + ` <= ? ORDER BY ` + expiresAt + ` LIMIT ?`
}

// NextExpiry returns when the next row expires that Sweep deletes, the zero
// time if there is none. ctx has to come from across.Instances.
func (s *Store) NextExpiry(ctx context.Context) (next time.Time, err error) {
	if !across.Is(ctx) {
		return next, errNoInstance
	}
	for _, table := range expiring {
		var first time.Time
		err := s.readDB.QueryRowContext(ctx, `SELECT `+expiresAt+` FROM `+quote(table)+` ORDER BY `+expiresAt+` LIMIT 1`).Scan(&first)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return next, err
		}
		if next.IsZero() || first.Before(next) {
			next = first
		}
	}
	return next.UTC(), nil
}
