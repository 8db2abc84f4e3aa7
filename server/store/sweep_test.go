//go:build unix

package store

import (
	"path/filepath"
	"strings"
	"testing"
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
