package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Project groups the applications of an organization and the roles that users
// can be granted in them.
type Project struct{ ent.Schema }

// Mixin of the schema.
func (Project) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (Project) Fields() []ent.Field {
	return []ent.Field{
		id("project_id"),
		field.Int64("organization_pk").Immutable(),
		// The id of the organization; spares every read of a project a join.
		id("resource_owner"),
		field.String("name"),
		field.Bytes("name_key"),
		field.Enum("state").Values("active", "inactive").Default("active"),
		field.Bool("role_assertion").Default(false),
		field.Bool("role_check").Default(false),
		field.Bool("has_project_check").Default(false),
		field.Int32("private_labeling_setting").Default(0),
	}
}

// Edges of the schema.
func (Project) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("projects").Field("organization_pk").Unique().Required().Immutable(),
		edge.To("roles", ProjectRole.Type),
		edge.To("applications", Application.Type),
		edge.To("user_grants", UserGrant.Type),
	}
}

// Indexes of the schema.
func (Project) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "project_id").Unique(),
		index.Fields("organization_pk", "name_key").Unique(),
	}
}

// ProjectRole is a role that users can be granted in a project.
type ProjectRole struct{ ent.Schema }

// Mixin of the schema.
func (ProjectRole) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (ProjectRole) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("project_pk").Immutable(),
		field.String("key").NotEmpty().Immutable(),
		// What roles are found by without regard to case.
		field.Bytes("key_key").Immutable(),
		field.String("display_name").Default(""),
		field.Bytes("display_name_key"),
		field.String("group").Default(""),
	}
}

// Edges of the schema.
func (ProjectRole) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("project", Project.Type).Ref("roles").Field("project_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (ProjectRole) Indexes() []ent.Index {
	return []ent.Index{index.Fields("project_pk", "key").Unique()}
}

// Application is a client or a resource server of a project.
type Application struct{ ent.Schema }

// Mixin of the schema.
func (Application) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (Application) Fields() []ent.Field {
	return []ent.Field{
		id("application_id"),
		field.Int64("project_pk").Immutable(),
		field.String("name"),
		field.Bytes("name_key"),
		field.Enum("state").Values("active", "inactive").Default("active"),
		field.Enum("kind").Values("oidc", "api").Immutable(),
		id("client_id"),
		// SHA-256 of the secret, which has far more than 112 random bits; empty
		// where there is none.
		field.Bytes("secret_hash").Optional().Sensitive(),
		// By the contract's enum of the kind.
		field.Int32("auth_method").Default(0),
		// What only one kind has, as its room in server/directory defines it.
		field.JSON("settings", json.RawMessage{}),
	}
}

// Edges of the schema.
func (Application) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("project", Project.Type).Ref("applications").Field("project_pk").Unique().Required().Immutable(),
		edge.To("keys", ApplicationKey.Type),
		edge.To("access_tokens", AccessToken.Type).Annotations(entsql.OnDelete(entsql.NoAction)),
	}
}

// Indexes of the schema.
func (Application) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "application_id").Unique(),
		index.Fields("instance_id", "client_id").Unique(),
		index.Fields("project_pk", "name_key").Unique(),
	}
}

// ApplicationKey is the public half of a key that an application signs
// assertions with (RFC 7523). The private half leaves once and is not stored.
type ApplicationKey struct{ ent.Schema }

// Mixin of the schema.
func (ApplicationKey) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (ApplicationKey) Fields() []ent.Field {
	return []ent.Field{
		id("key_id"),
		field.Int64("application_pk").Immutable(),
		// PKIX, DER.
		field.Bytes("public_key").Immutable(),
		field.Time("expires_at").Optional().Nillable().Immutable().SchemaType(timestamp),
	}
}

// Edges of the schema.
func (ApplicationKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("application", Application.Type).Ref("keys").Field("application_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (ApplicationKey) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "key_id").Unique(),
		index.Fields("application_pk"),
	}
}

// UserGrant gives a user roles of a project. The user may be of any
// organization of the instance; the grant belongs to that of the project.
type UserGrant struct{ ent.Schema }

// Mixin of the schema.
func (UserGrant) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (UserGrant) Fields() []ent.Field {
	return []ent.Field{
		id("grant_id"),
		field.Int64("organization_pk").Immutable(),
		// The id of the organization.
		id("resource_owner"),
		field.Int64("user_pk").Immutable(),
		field.Int64("project_pk").Immutable(),
		field.Strings("role_keys"),
		field.Enum("state").Values("active", "inactive").Default("active"),
	}
}

// Edges of the schema.
func (UserGrant) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("user_grants").Field("organization_pk").Unique().Required().Immutable(),
		edge.From("user", User.Type).Ref("grants").Field("user_pk").Unique().Required().Immutable(),
		edge.From("project", Project.Type).Ref("user_grants").Field("project_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (UserGrant) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "grant_id").Unique(),
		index.Fields("user_pk", "project_pk").Unique(),
		index.Fields("organization_pk"),
		index.Fields("project_pk"),
	}
}
