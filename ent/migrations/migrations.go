// Package migrations holds the SQL that brings a database to the ent schema,
// in goose's format, for each kind of database. Migrations go forward only.
//
// An index that ent cannot declare is written by hand and named bastide_…, so
// that comparisons with the schema leave it alone.
package migrations

import "embed"

// Files has the migrations in the directories sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
