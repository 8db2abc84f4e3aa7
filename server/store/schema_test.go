//go:build unix

package store

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"

	"github.com/bastide-id/bastide/ent/migrate"
)

func isForeignKey(table *schema.Table, column string) bool {
	return slices.ContainsFunc(table.ForeignKeys, func(key *schema.ForeignKey) bool { return key.Columns[0].Name == column })
}

// Every index finds rows by their instance first; what cannot is listed.
func TestIndexesLeadWithTheInstance(t *testing.T) {
	for _, table := range migrate.Tables {
		for _, index := range table.Indexes {
			first := index.Columns[0].Name
			if first != instanceColumn && !isForeignKey(table, first) && index.Name != "instancedomain_domain" && first != "expires_at" {
				t.Errorf("%s leads with %s", index.Name, first)
			}
		}
	}
}

// When a row is deleted the database looks for those that point at it, by the
// foreign key alone: without an index it reads the whole table each time.
func TestForeignKeysLeadAnIndex(t *testing.T) {
	for _, table := range migrate.Tables {
		for _, key := range table.ForeignKeys {
			column := key.Columns[0].Name
			if !slices.ContainsFunc(table.Indexes, func(index *schema.Index) bool { return index.Columns[0].Name == column }) {
				t.Errorf("%s.%s leads no index", table.Name, column)
			}
		}
	}
}

// Deleting a row changes no other row by itself: what points at it has to go
// first, with an event.
func TestForeignKeysHaveNoAction(t *testing.T) {
	for _, table := range migrate.Tables {
		for _, key := range table.ForeignKeys {
			if key.OnDelete != schema.NoAction || key.OnUpdate != schema.NoAction && key.OnUpdate != "" {
				t.Errorf("%s.%s: on delete %q, on update %q", table.Name, key.Columns[0].Name, key.OnDelete, key.OnUpdate)
			}
		}
	}
}

// The rows of a parent are found by their key and not among all of the
// instance. SQLite has no statistics to tell which index is the better one.
func TestRowsAreFoundByTheirForeignKey(t *testing.T) {
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "bastide.db")})
	for _, table := range migrate.Tables {
		for _, key := range table.ForeignKeys {
			column := key.Columns[0].Name
			rows, err := s.readDB.QueryContext(t.Context(), `EXPLAIN QUERY PLAN SELECT * FROM `+quote(table.Name)+` WHERE instance_id = ? AND `+column+` = ?`, "1", 1)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var id, parent, unused int
				var plan string
				if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(plan, "("+column+"=?") {
					t.Errorf("%s.%s: %s", table.Name, column, plan)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
