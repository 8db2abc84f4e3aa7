//go:build unix

package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/store/across"
)

// What has expired is found by its time, not by reading all that has not.
func TestSweepReadsByTime(t *testing.T) {
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "bastide.db")})
	for _, table := range expiring {
		var id, parent, unused int
		var plan string
		if err := s.readDB.QueryRowContext(t.Context(), `EXPLAIN QUERY PLAN `+someExpired(table), "2026", 1).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "(expires_at<?)") {
			t.Errorf("%s: %s", table, plan)
		}
	}
}

// Whoever gets an answer looks at the clock, so no cache has to forget what is
// swept: it would forget the rest with it, of all instances.
func TestSweepDropsNoAnswers(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			return tx.AccessToken.Create().SetUser(own.user).SetTokenID("1").SetHash([]byte("1")).SetScopes([]string{}).
				SetAudience([]string{}).SetExpiresAt(tx.Now()).Exec(ctx)
		})
		write(t, s, across.Instances(t.Context()), func(ctx context.Context, tx *Tx) error {
			if n, err := tx.Sweep(ctx, 10); err != nil || n != 1 {
				t.Errorf("%d rows, %v", n, err)
			}
			if len(tx.touched) > 0 {
				t.Errorf("what is dropped: %v", tx.touched)
			}
			return nil
		})
	})
}
