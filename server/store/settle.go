package store

import (
	"context"
	"time"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/ent/event"
)

// Between two looks at the transactions that are waited for is a pause, which
// grows: most are over at once, and one that is not may take long.
const (
	firstSettlePause = 2 * time.Millisecond
	lastSettlePause  = 50 * time.Millisecond
)

// SettledPosition returns the position of the newest event that ctx can see,
// once no event below it can appear any more. Whoever reads the history on from
// a position reads up to this one, and misses nothing.
//
// PostgreSQL gives positions out when events are added, and shows events when
// their transactions commit, which may be in another order. So this waits for
// the transactions that are adding events at this moment, of any instance; they
// are short, and nothing waits for the reader. What has been answered to any
// caller is below the position. SQLite has one writer: there both orders are
// the same.
func (s *Store) SettledPosition(ctx context.Context) (int64, error) {
	position, err := s.Position(ctx)
	if err != nil || position == 0 || s.dialect == dialect.SQLite {
		return position, err
	}
	open, err := s.writersOfEvents(ctx)
	for pause := firstSettlePause; err == nil && len(open) > 0; pause = min(2*pause, lastSettlePause) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
		var still map[string]bool
		still, err = s.writersOfEvents(ctx)
		for writer := range open {
			if !still[writer] {
				delete(open, writer)
			}
		}
	}
	return position, err
}

// writersOfEvents returns the open transactions that may have added events: one
// that adds a row locks the table in this mode first, before the row gets its
// position, until it ends.
// https://www.postgresql.org/docs/current/view-pg-locks.html
func (s *Store) writersOfEvents(ctx context.Context) (map[string]bool, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT DISTINCT virtualtransaction FROM pg_locks
		WHERE locktype = 'relation' AND relation = '`+event.Table+`'::regclass AND mode = 'RowExclusiveLock' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	writers := make(map[string]bool)
	for rows.Next() {
		var writer string
		if err := rows.Scan(&writer); err != nil {
			return nil, err
		}
		writers[writer] = true
	}
	return writers, rows.Err()
}
