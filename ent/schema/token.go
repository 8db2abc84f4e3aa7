package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// PersonalAccessToken is a long-lived token of a machine user. Only its hash
// is stored.
type PersonalAccessToken struct{ ent.Schema }

// Mixin of the schema.
func (PersonalAccessToken) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (PersonalAccessToken) Fields() []ent.Field {
	return []ent.Field{
		id("token_id"),
		field.Int64("user_pk").Immutable(),
		// SHA-256 of the token, which has far more than 112 random bits.
		field.Bytes("hash").Immutable().Sensitive(),
		field.Strings("scopes").Immutable(),
		// Never when absent.
		field.Time("expires_at").Optional().Nillable().Immutable().SchemaType(timestamp),
		// Written in batches, and no change of the user.
		field.Time("last_used_at").Optional().Nillable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (PersonalAccessToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("personal_access_tokens").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (PersonalAccessToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "token_id").Unique(),
		index.Fields("instance_id", "hash").Unique(),
		index.Fields("user_pk"),
	}
}

// MachineKey is the public half of a key that a machine user signs assertions
// with (RFC 7523). The private half leaves once and is not stored.
type MachineKey struct{ ent.Schema }

// Mixin of the schema.
func (MachineKey) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (MachineKey) Fields() []ent.Field {
	return []ent.Field{
		id("key_id"),
		field.Int64("user_pk").Immutable(),
		// PKIX, DER.
		field.Bytes("public_key").Immutable(),
		field.Time("expires_at").Optional().Nillable().Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (MachineKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("machine_keys").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (MachineKey) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "key_id").Unique(),
		index.Fields("user_pk"),
	}
}

// AccessToken is a token issued by the token endpoint. Its row is its own
// record: issuing one is no change event.
type AccessToken struct{ ent.Schema }

// Mixin of the schema.
func (AccessToken) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (AccessToken) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("user_pk").Immutable(),
		field.Bytes("hash").Immutable().Sensitive(),
		field.Strings("scopes").Immutable(),
		field.Time("created_at").Immutable().SchemaType(timestamp),
		field.Time("expires_at").Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (AccessToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("access_tokens").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (AccessToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "hash").Unique(),
		index.Fields("user_pk"),
		index.Fields("instance_id", "expires_at"),
	}
}

// SigningKey is a key of an instance that signs ID tokens.
type SigningKey struct{ ent.Schema }

// Mixin of the schema.
func (SigningKey) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (SigningKey) Fields() []ent.Field {
	return []ent.Field{
		id("key_id"),
		field.Int64("instance_pk").Immutable(),
		// PKCS #8, DER, sealed under the master key.
		field.Bytes("private_key").Sensitive(),
		field.Bytes("public_key").Immutable(),
		field.Bool("active"),
		field.Time("created_at").Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (SigningKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("tenant", Instance.Type).Ref("signing_keys").Field("instance_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (SigningKey) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "key_id").Unique(),
		index.Fields("instance_pk"),
	}
}
