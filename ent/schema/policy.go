package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// OwnerPolicy holds the settings of one kind for an instance or an organization.
// The organization's row counts, else the instance's, else the built-in one.
type OwnerPolicy struct{ ent.Schema }

// Annotations of the schema. The word Policy alone is taken by ent.
func (OwnerPolicy) Annotations() []entschema.Annotation {
	return []entschema.Annotation{entsql.Table("policies")}
}

// Mixin of the schema.
func (OwnerPolicy) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (OwnerPolicy) Fields() []ent.Field {
	return []ent.Field{
		// The id of the instance or organization.
		id("owner_id"),
		field.String("kind").NotEmpty().Immutable(),
		field.JSON("settings", json.RawMessage{}),
	}
}

// Indexes of the schema.
func (OwnerPolicy) Indexes() []ent.Index {
	return []ent.Index{index.Fields("instance_id", "owner_id", "kind").Unique()}
}
