package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// entry gives a table what a key of a client's choice and its value need.
func entry() []ent.Field {
	return []ent.Field{
		field.String("key").NotEmpty().Immutable(),
		// What the key is found by when case does not matter.
		field.Bytes("key_key").Immutable(),
		// The name of the field in Go: a row has a method Value already.
		field.Bytes("content").StorageKey("value").Sensitive(),
	}
}

// UserMetadata is a value that clients keep with a user.
type UserMetadata struct{ ent.Schema }

// Mixin of the schema.
func (UserMetadata) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (UserMetadata) Fields() []ent.Field {
	return append(entry(), field.Int64("user_pk").Immutable())
}

// Edges of the schema.
func (UserMetadata) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("metadata").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (UserMetadata) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_pk", "key").Unique()}
}

// OrganizationMetadata is a value that clients keep with an organization.
type OrganizationMetadata struct{ ent.Schema }

// Mixin of the schema.
func (OrganizationMetadata) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (OrganizationMetadata) Fields() []ent.Field {
	return append(entry(), field.Int64("organization_pk").Immutable())
}

// Edges of the schema.
func (OrganizationMetadata) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("metadata").Field("organization_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (OrganizationMetadata) Indexes() []ent.Index {
	return []ent.Index{index.Fields("organization_pk", "key").Unique()}
}
