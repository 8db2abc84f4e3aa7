package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
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
		// What others know the token by: `jti`, and the history when it is revoked.
		id("token_id"),
		// Whom it stands for; nothing for the token of an application itself.
		field.Int64("user_pk").Optional().Nillable().Immutable(),
		// The application that got it; nothing where the user itself did.
		field.Int64("application_pk").Optional().Nillable().Immutable(),
		// What it was got with, so that it ends with it: the id of a key, "secret",
		// or the id of the token that it was exchanged for.
		field.String("credential").Default("").Immutable(),
		// The id of the subject_token of an exchange whose credential is the
		// actor_token: the token ends with either.
		field.String("source").Optional().Nillable().Immutable(),
		// SHA-256 of the token, which has far more than 112 random bits; of its
		// whole text if it is a JWT.
		field.Bytes("hash").Immutable().Sensitive(),
		field.Strings("scopes").Immutable(),
		// The client ids and projects that may look at it.
		field.Strings("audience").Immutable(),
		// Who acts for the user: the claim `act` (RFC 8693, 4.1).
		field.JSON("actor", json.RawMessage{}).Optional().Immutable(),
		field.Time("created_at").Immutable().SchemaType(timestamp),
		field.Time("expires_at").Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (AccessToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("access_tokens").Field("user_pk").Unique().Immutable(),
		edge.From("application", Application.Type).Ref("access_tokens").Field("application_pk").Unique().Immutable(),
	}
}

// Indexes of the schema.
func (AccessToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "hash").Unique(),
		index.Fields("user_pk"),
		index.Fields("application_pk"),
		// What was exchanged for a token ends with it.
		index.Fields("instance_id", "credential").Annotations(entsql.IndexWhere("application_pk IS NOT NULL")),
		index.Fields("instance_id", "source").Annotations(entsql.IndexWhere("source IS NOT NULL")),
		// Not led by the instance: what has expired is swept in all of them.
		index.Fields("expires_at"),
	}
}

// UsedAssertion is an assertion with a `jti` that was accepted, and is not
// again while it is valid (RFC 7523, 3).
type UsedAssertion struct{ ent.Schema }

// Mixin of the schema.
func (UsedAssertion) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (UsedAssertion) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("instance_pk").Immutable(),
		// SHA-256 of the id of the key and the `jti`.
		field.Bytes("hash").Immutable(),
		field.Time("expires_at").Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (UsedAssertion) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("tenant", Instance.Type).Ref("used_assertions").Field("instance_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (UsedAssertion) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "hash").Unique(),
		index.Fields("instance_pk"),
		// Not led by the instance: what has expired is swept in all of them.
		index.Fields("expires_at"),
	}
}

// SigningKey is a key of an instance that signs ID tokens and access tokens
// that are JWTs.
type SigningKey struct{ ent.Schema }

// Mixin of the schema.
func (SigningKey) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (SigningKey) Fields() []ent.Field {
	return []ent.Field{
		id("key_id"),
		field.Int64("instance_pk").Immutable(),
		// By its name in RFC 7518, 3.1, and RFC 8037, 3.1.
		field.String("algorithm").Immutable(),
		// PKCS #8, DER, sealed under the master key.
		field.Bytes("private_key").Sensitive().Annotations(sealed{}),
		// PKIX, DER.
		field.Bytes("public_key").Immutable(),
		// An initial key is published and does not sign yet, the active one
		// signs, an inactive one does no more. One of an instance is active at
		// most.
		field.Enum("state").Values("initial", "active", "inactive").Default("initial"),
		// When a key that the schedule made begins to sign by itself.
		field.Time("activates_at").Optional().Nillable().SchemaType(timestamp),
		field.Time("activated_at").Optional().Nillable().SchemaType(timestamp),
		// Since when it signs no more: it stays published until what it signed has
		// expired.
		field.Time("retired_at").Optional().Nillable().SchemaType(timestamp),
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
