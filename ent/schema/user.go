package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is a person or a machine of an organization, which it never leaves.
type User struct{ ent.Schema }

// Mixin of the schema.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (User) Fields() []ent.Field {
	return []ent.Field{
		id("user_id"),
		field.Int64("organization_pk").Immutable(),
		// The id of the organization; spares every read of a user a join.
		id("resource_owner"),
		field.Enum("type").Values("human", "machine").Immutable(),
		field.Enum("state").Values("active", "inactive", "locked", "initial").Default("active"),
		field.String("user_name"),
		// Empty while user names are unique in the instance; the id of the
		// organization while its domain policy makes them unique there only.
		field.String("name_scope").MaxRuneLen(maxID).Default(""),
		field.Bytes("name_key"),

		// Of a person.
		field.String("first_name").Default("").Sensitive(),
		field.Bytes("first_name_key").Sensitive(),
		field.String("last_name").Default("").Sensitive(),
		field.Bytes("last_name_key").Sensitive(),
		field.String("nick_name").Default("").Sensitive(),
		field.Bytes("nick_name_key").Sensitive(),
		field.String("display_name").Default("").Sensitive(),
		field.Bytes("display_name_key").Sensitive(),
		field.String("preferred_language").Default(""),
		field.Int32("gender").Default(0),
		field.String("email").Default("").Sensitive(),
		field.Bytes("email_key").Sensitive(),
		field.Bool("email_verified").Default(false),
		field.String("phone").Default("").Sensitive(),
		field.Bool("phone_verified").Default(false),
		field.Time("password_changed_at").Optional().Nillable().SchemaType(timestamp),

		// Of a machine; its name is the display name.
		field.String("description").Default(""),
		field.Int32("access_token_type").Default(0),
		field.Bytes("secret_hash").Optional().Sensitive(),
	}
}

// Edges of the schema.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("users").Field("organization_pk").Unique().Required().Immutable(),
		edge.To("memberships", Membership.Type),
		edge.To("passwords", Password.Type),
		edge.To("personal_access_tokens", PersonalAccessToken.Type),
		edge.To("machine_keys", MachineKey.Type),
		edge.To("access_tokens", AccessToken.Type).Annotations(entsql.OnDelete(entsql.NoAction)),
		edge.To("metadata", UserMetadata.Type),
		edge.To("verification_codes", VerificationCode.Type),
		edge.To("grants", UserGrant.Type),
	}
}

// Indexes of the schema.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "user_id").Unique(),
		index.Fields("instance_id", "name_scope", "name_key").Unique(),
		index.Fields("instance_id", "email_key"),
		index.Fields("organization_pk"),
	}
}

// Password is the hash of a person's password, apart from the user so that no
// ordinary read carries it.
type Password struct{ ent.Schema }

// Mixin of the schema.
func (Password) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (Password) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("user_pk").Immutable(),
		// PHC string format or, until the next check, that of an import.
		field.String("hash").Sensitive(),
		field.Bool("change_required"),
		// Wrong passwords since the last right one.
		field.Int("failed_attempts").Default(0),
	}
}

// Edges of the schema.
func (Password) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("passwords").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (Password) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_pk").Unique()}
}

// VerificationCode proves that a person reads an e-mail address or has a phone
// number. It was answered to who set the address, and is stored as a hash.
type VerificationCode struct{ ent.Schema }

// Mixin of the schema.
func (VerificationCode) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}} }

// Fields of the schema.
func (VerificationCode) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("user_pk").Immutable(),
		field.Enum("kind").Values("email", "phone").Immutable(),
		// SHA-256 of the code.
		field.Bytes("hash").Sensitive(),
		field.Time("expires_at").SchemaType(timestamp),
		field.Int("failed_attempts").Default(0),
	}
}

// Edges of the schema.
func (VerificationCode) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("verification_codes").Field("user_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (VerificationCode) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_pk", "kind").Unique()}
}

// Membership gives a user roles on an instance or on an organization.
type Membership struct{ ent.Schema }

// Mixin of the schema.
func (Membership) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (Membership) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("user_pk").Immutable(),
		field.Enum("level").Values("instance", "organization").Immutable(),
		// The id of the instance or organization.
		id("object_id"),
		// Set where the level is organization.
		field.Int64("organization_pk").Optional().Nillable().Immutable(),
		field.Strings("roles"),
	}
}

// Edges of the schema.
func (Membership) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("memberships").Field("user_pk").Unique().Required().Immutable(),
		edge.From("organization", Organization.Type).Ref("memberships").Field("organization_pk").Unique().Immutable(),
	}
}

// Indexes of the schema.
func (Membership) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "level", "object_id", "user_pk").Unique(),
		index.Fields("user_pk"),
		index.Fields("organization_pk"),
	}
}
