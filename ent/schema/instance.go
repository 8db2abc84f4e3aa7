package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Instance is an isolated tenant. Its own id is the instance_id of the tenant
// mixin, so that the store's scope holds for it as for every other table.
type Instance struct{ ent.Schema }

// Mixin of the schema.
func (Instance) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (Instance) Fields() []ent.Field {
	return []ent.Field{
		field.String("name"),
		field.Bytes("name_key"),
		field.String("default_language"),
		// The first organization, where users without another go.
		field.String("default_organization_id").MaxRuneLen(maxID).Default(""),
		// Nothing of a removed instance can be read any more; its rows go in the
		// background, and this one last.
		field.Enum("state").Values("active", "removed").Default("active"),
	}
}

// Edges of the schema.
func (Instance) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("domains", InstanceDomain.Type),
		edge.To("trusted_domains", InstanceTrustedDomain.Type),
		edge.To("organizations", Organization.Type),
		edge.To("signing_keys", SigningKey.Type),
		edge.To("used_assertions", UsedAssertion.Type),
	}
}

// Indexes of the schema.
func (Instance) Indexes() []ent.Index {
	return []ent.Index{index.Fields("instance_id").Unique()}
}

// InstanceDomain is a host name that leads to an instance.
type InstanceDomain struct{ ent.Schema }

// Mixin of the schema.
func (InstanceDomain) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (InstanceDomain) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("instance_pk").Immutable(),
		// ASCII form, lower case, without a port.
		field.String("domain").NotEmpty().Immutable(),
		field.Bool("generated").Immutable(),
		field.Bool("is_primary"),
	}
}

// Edges of the schema.
func (InstanceDomain) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("tenant", Instance.Type).Ref("domains").Field("instance_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (InstanceDomain) Indexes() []ent.Index {
	return []ent.Index{
		// Not led by the instance: a host name belongs to one instance of the
		// installation, and is what finds it.
		index.Fields("domain").Unique(),
		index.Fields("instance_id", "domain"),
		index.Fields("instance_pk"),
	}
}

// InstanceTrustedDomain is a host name that an instance trusts though it does
// not answer on it.
type InstanceTrustedDomain struct{ ent.Schema }

// Mixin of the schema.
func (InstanceTrustedDomain) Mixin() []ent.Mixin { return []ent.Mixin{tenant{}, history{}} }

// Fields of the schema.
func (InstanceTrustedDomain) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("instance_pk").Immutable(),
		// ASCII form, lower case, without a port.
		field.String("domain").NotEmpty().Immutable(),
	}
}

// Edges of the schema.
func (InstanceTrustedDomain) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("tenant", Instance.Type).Ref("trusted_domains").Field("instance_pk").Unique().Required().Immutable(),
	}
}

// Indexes of the schema.
func (InstanceTrustedDomain) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("instance_id", "domain").Unique(),
		index.Fields("instance_pk"),
	}
}
