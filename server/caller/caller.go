// Package caller says who calls, in which instance and organization.
package caller

import "context"

// Kind is the kind of a caller.
type Kind int

// The kinds of caller.
const (
	// Anonymous sent no valid token.
	Anonymous Kind = iota
	// User is a person or machine of the instance.
	User
	// System is a system user of the configuration.
	System
)

// Caller is who calls.
type Caller struct {
	Kind Kind
	// ID is the id of the user, or the name of the system user.
	ID string
	// PrimaryKey is the internal key of the user; 0 for others.
	PrimaryKey int64
	// OrganizationID is the user's own organization; empty for others.
	OrganizationID string
	// ConfinedTo is the organization that the caller's token is confined to: no
	// membership counts but those of it. Empty for no such bound.
	ConfinedTo string
	// Actor is the id of who acts for the user; empty for nobody.
	Actor string
	// Memberships are set for a system user from the start, for a user once
	// a method asked for a permission.
	Memberships []Membership
}

// Level is where a membership counts.
type Level int

// The levels of membership, from the highest down. They begin at 1, so that a
// membership whose level was forgotten counts nowhere.
const (
	// SystemLevel counts in every instance.
	SystemLevel Level = iota + 1
	// InstanceLevel counts in one instance and all its organizations.
	InstanceLevel
	// OrganizationLevel counts in one organization.
	OrganizationLevel
)

// Membership gives roles on an object.
type Membership struct {
	Level Level
	// ID of the instance or organization; empty for the system.
	ID    string
	Roles []string
}

// Instance is where a call acts.
type Instance struct {
	// ID is empty for a call that acts in no instance.
	ID string
	// Origin is the URL of the instance as the caller addressed it,
	// http(s)://host[:port] with default ports left out; the external URL
	// where the host is not the instance's own.
	Origin string
}

type (
	callerKey       struct{}
	instanceKey     struct{}
	organizationKey struct{}
)

// With returns a context whose caller is c.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller; an anonymous one if there is none.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// WithInstance returns a context that acts in an instance.
func WithInstance(ctx context.Context, i Instance) context.Context {
	return context.WithValue(ctx, instanceKey{}, i)
}

// InInstance returns a context that acts in the instance with the id, at the
// origin of ctx.
func InInstance(ctx context.Context, id string) context.Context {
	i := InstanceOf(ctx)
	i.ID = id
	return WithInstance(ctx, i)
}

// InstanceOf returns the instance that ctx acts in.
func InstanceOf(ctx context.Context) Instance {
	i, _ := ctx.Value(instanceKey{}).(Instance)
	return i
}

// WithOrganization returns a context that acts in the organization.
func WithOrganization(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, organizationKey{}, id)
}

// OrganizationID returns the organization that ctx acts in; empty if none.
func OrganizationID(ctx context.Context) string {
	id, _ := ctx.Value(organizationKey{}).(string)
	return id
}
