package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Installation is the one row that says what this database belongs to. It and
// WorkerLease are the only tables that belong to no instance.
type Installation struct{ ent.Schema }

// Fields of the schema.
func (Installation) Fields() []ent.Field {
	return []ent.Field{
		// Always 1.
		field.Int64("id").Immutable(),
		field.Bytes("master_key_fingerprint"),
		// PKIX, DER; of the system user that the first run made. Its private
		// key is in a file only.
		field.Bytes("system_public_key"),
		// The instance that the first run made.
		field.String("first_instance_id").MaxRuneLen(maxID).Default(""),
		field.Time("created_at").Immutable().SchemaType(timestamp),
	}
}

// WorkerLease lends a process the number that its ids carry. Its primary key
// is the number.
type WorkerLease struct{ ent.Schema }

// Fields of the schema.
func (WorkerLease) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		// A random string of the process.
		field.String("holder"),
		// Unix milliseconds. No id with this number is later than this.
		field.Int64("until"),
	}
}
