// Package schema declares the tables of Bastide.
//
// A row's primary key is internal and never leaves the server; the id that
// clients see is a column, unique within its instance. Foreign keys are named
// …_pk and point at primary keys. Every index leads with the instance, but for
// three kinds. Each foreign key has an index that begins with it: the database
// itself looks for the rows of a parent that is deleted, by the key alone, and
// without the index reads the whole table for every parent. What expires is
// swept in all instances, in the order of time. And the host name of an instance
// belongs to the installation.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
)

// maxID is the length of the longest id that a client may bring, in characters.
const maxID = 200

// tenant gives a table the instance its rows belong to. The store adds it to
// every query and mutation.
type tenant struct{ mixin.Schema }

func (tenant) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.String("instance_id").MaxRuneLen(maxID).NotEmpty().Immutable(),
	}
}

// history gives a table what the `details` of an object say. The sequence
// counts the changes of the aggregate: of the row itself for an instance, an
// organization and a user, else of the aggregate that the row belongs to.
type history struct{ mixin.Schema }

func (history) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("sequence").Default(0),
		field.Time("created_at").Immutable().SchemaType(timestamp),
		field.Time("changed_at").SchemaType(timestamp),
	}
}

// timestamp is microseconds UTC on both databases.
var timestamp = map[string]string{dialect.Postgres: "timestamptz(6)"}

// id is the id that clients see.
func id(name string) ent.Field {
	return field.String(name).MaxRuneLen(maxID).NotEmpty().Immutable()
}

// sealed marks a field whose values are sealed under the master key: the store
// has to know it, for they are sealed anew when that key is rotated.
type sealed struct{}

// Name tells the mark from others.
func (sealed) Name() string { return "Sealed" }
