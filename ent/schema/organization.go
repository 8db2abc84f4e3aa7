package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Organization groups users, domains and policies of an instance.
type Organization struct{ ent.Schema }

// Mixin of the schema.
func (Organization) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (Organization) Fields() []ent.Field {
	return []ent.Field{
		id("organization_id"),
		field.Int64("instance_pk").Immutable(),
		field.String("name"),
		field.Bytes("name_key"),
		// Nothing of a removed organization can be read any more; its rows go in
		// the background, and this one last.
		field.Enum("state").Values("active", "inactive", "removed").Default("active"),
	}
}

// Edges of the schema.
func (Organization) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("tenant", Instance.Type).Ref("organizations").Field("instance_pk").Unique().Required().Immutable(),
		edge.To("domains", OrganizationDomain.Type),
		edge.To("users", User.Type),
		// Not every membership has an organization, but one that has must not
		// lose it: it would be one of a level that it is not.
		edge.To("memberships", Membership.Type).Annotations(entsql.OnDelete(entsql.NoAction)),
		edge.To("metadata", OrganizationMetadata.Type),
		edge.To("projects", Project.Type),
		edge.To("user_grants", UserGrant.Type),
	}
}

// Indexes of the schema.
func (Organization) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "organization_id").Unique(),
		index.Fields("instance_id", "name_key").Unique(),
		index.Fields("instance_pk"),
		// Which ones are removed is asked by every query of what belongs to an
		// organization.
		index.Fields("instance_id", "state"),
	}
}

// OrganizationDomain is a domain that an organization claims; a verified one
// belongs to one organization of the instance and may stand in login names.
type OrganizationDomain struct{ ent.Schema }

// Mixin of the schema.
func (OrganizationDomain) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (OrganizationDomain) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("organization_pk").Immutable(),
		field.String("domain").NotEmpty().Immutable(),
		field.Bool("verified"),
		field.Bool("is_primary"),
		// How the organization is to prove that the domain is its own, and by
		// what; empty before it asked. The token is shown to the whole world.
		field.Int32("validation_type").Default(0),
		field.String("validation_token").Default(""),
	}
}

// Edges of the schema.
func (OrganizationDomain) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("domains").Field("organization_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (OrganizationDomain) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization_pk", "domain").Unique(),
		index.Fields("instance_id", "domain").Unique().Annotations(entsql.IndexWhere("verified")),
	}
}
