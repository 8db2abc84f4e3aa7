// Package policy has the settings that an instance or one of its organizations
// decides on.
package policy

import (
	"context"
	"encoding/json"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/ownerpolicy"
	"github.com/bastide-id/bastide/server/caller"
)

// Kind is a kind of policy with the values that count where nobody decided.
type Kind[T any] struct {
	name    string
	builtIn T
}

// BuiltIn returns the values that count where nobody decided: those of an
// instance that is only being made.
func (k Kind[T]) BuiltIn() T { return k.builtIn }

// Domain decides on login names.
var Domain = Kind[DomainValues]{name: "domain"}

// DomainValues are the values of Domain.
type DomainValues struct {
	// UserLoginMustBeDomain makes login names end with a verified domain of
	// the organization, and user names unique in the organization only.
	UserLoginMustBeDomain bool `json:"userLoginMustBeDomain"`
}

// PasswordComplexity decides which passwords may be set.
var PasswordComplexity = Kind[PasswordComplexityValues]{
	name:    "password_complexity",
	builtIn: PasswordComplexityValues{MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true},
}

// PasswordComplexityValues are the values of PasswordComplexity.
type PasswordComplexityValues struct {
	// MinLength counts characters.
	MinLength    uint64 `json:"minLength"`
	HasUppercase bool   `json:"hasUppercase"`
	HasLowercase bool   `json:"hasLowercase"`
	HasNumber    bool   `json:"hasNumber"`
	HasSymbol    bool   `json:"hasSymbol"`
}

// Lockout decides after how many wrong attempts in a row a user is locked.
var Lockout = Kind[LockoutValues]{name: "lockout"}

// LockoutValues are the values of Lockout; 0 is never.
type LockoutValues struct {
	MaxPasswordAttempts uint64 `json:"maxPasswordAttempts"`
	MaxOTPAttempts      uint64 `json:"maxOtpAttempts"`
}

// Get returns the values that count for an organization: its own, else those
// of the instance of ctx, else the built-in ones.
func Get[T any](ctx context.Context, policies *ent.OwnerPolicyClient, kind Kind[T], organizationID string) (T, error) {
	instanceID := caller.InstanceOf(ctx).ID
	rows, err := policies.Query().Where(ownerpolicy.Kind(kind.name), ownerpolicy.OwnerIDIn(organizationID, instanceID)).All(ctx)
	if err != nil {
		return kind.builtIn, err
	}
	var found *ent.OwnerPolicy
	for _, row := range rows {
		if found == nil || row.OwnerID == organizationID {
			found = row
		}
	}
	if found == nil {
		return kind.builtIn, nil
	}
	values := kind.builtIn // a value that is newer than the row has its default
	err = json.Unmarshal(found.Settings, &values)
	return values, err
}
