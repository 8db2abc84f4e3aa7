package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Event says what changed. Its primary key is its position: unique, rising,
// with gaps. Events outlive what they tell of, so they hold no foreign keys.
type Event struct{ ent.Schema }

// Mixin of the schema.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.String("aggregate_type").Immutable(),
		id("aggregate_id"),
		// The id of the organization, or of the instance, that owns the object.
		id("owner_id"),
		// Counts the events of the aggregate without gaps.
		field.Int64("sequence").Immutable(),
		field.String("type").Immutable(),
		// Tells a user from a system user of the same name; none is a caller
		// who did not say who it is.
		field.Enum("editor_type").Values("none", "user", "system").Immutable(),
		// The id of the user, or the name of the system user, who did it.
		field.String("editor_id").Immutable(),
		field.Time("created_at").Immutable().SchemaType(timestamp),
		field.JSON("payload", map[string]any{}).Immutable().Optional(),
	}
}

// Edges of the schema.
func (Event) Edges() []ent.Edge {
	return []ent.Edge{edge.To("personal_data", PersonalData.Type)}
}

// Indexes of the schema.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "aggregate_type", "aggregate_id", "sequence").Unique(),
		index.Fields("instance_id", "id"),
	}
}

// PersonalData is what an event tells of a person, apart from the event so
// that erasing a person is a delete.
type PersonalData struct{ ent.Schema }

// Mixin of the schema.
func (PersonalData) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (PersonalData) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("event_pk").Immutable(),
		id("user_id"),
		field.JSON("payload", map[string]any{}).Immutable().Sensitive(),
	}
}

// Edges of the schema.
func (PersonalData) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("event", Event.Type).Ref("personal_data").Field("event_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (PersonalData) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "user_id"),
		index.Fields("event_pk"),
	}
}
