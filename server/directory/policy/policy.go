// Package policy has the settings that an instance or one of its organizations
// decides on.
package policy

import (
	"context"

	"github.com/bastide-id/bastide/server/store"
)

// Kind is a kind of policy with the values that count where nobody decided.
type Kind[T any] struct {
	name    string
	builtIn T
	// What a change is called in the history.
	ofInstance, ofOrganization events
	// begin, if not nil, is called before a change takes any lock.
	begin func(context.Context, *store.Tx) error
	// follow, if not nil, changes what the values decide on after they were
	// changed, in the same transaction.
	follow func(context.Context, *store.Tx, owner, T) error
}

type events struct{ added, changed, removed store.EventType }

// BuiltIn returns the values that count where nobody decided: those of an
// instance that is only being made.
func (k Kind[T]) BuiltIn() T { return k.builtIn }

const domainKind = "domain"

// Domain decides on login names. A change of it renames users at once.
var Domain = Kind[DomainValues]{
	name:           domainKind,
	ofInstance:     events{added: store.InstancePolicyDomainAdded, changed: store.InstancePolicyDomainChanged},
	ofOrganization: events{store.OrgPolicyDomainAdded, store.OrgPolicyDomainChanged, store.OrgPolicyDomainRemoved},
	begin:          holdLoginNames,
	follow:         scopeNames,
}

// DomainValues are the values of Domain.
type DomainValues struct {
	// UserLoginMustBeDomain makes login names end with a verified domain of
	// the organization, and user names unique in the organization only.
	UserLoginMustBeDomain bool `json:"userLoginMustBeDomain"`
	// ValidateOrgDomains makes an organization prove that a domain is its own.
	ValidateOrgDomains bool `json:"validateOrgDomains"`
	// SMTPSenderAddressMatchesInstanceDomain allows mail from addresses of the
	// instance's own domains only.
	SMTPSenderAddressMatchesInstanceDomain bool `json:"smtpSenderAddressMatchesInstanceDomain"`
}

// PasswordComplexity decides which passwords may be set.
var PasswordComplexity = Kind[PasswordComplexityValues]{
	name:           "password_complexity",
	builtIn:        PasswordComplexityValues{MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true},
	ofInstance:     events{added: store.InstancePasswordComplexityAdded, changed: store.InstancePasswordComplexityChanged},
	ofOrganization: events{store.OrgPasswordComplexityAdded, store.OrgPasswordComplexityChanged, store.OrgPasswordComplexityRemoved},
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

// PasswordAge decides how long a password lasts.
var PasswordAge = Kind[PasswordAgeValues]{
	name:           "password_age",
	ofInstance:     events{added: store.InstancePasswordAgeAdded, changed: store.InstancePasswordAgeChanged},
	ofOrganization: events{store.OrgPasswordAgeAdded, store.OrgPasswordAgeChanged, store.OrgPasswordAgeRemoved},
}

// PasswordAgeValues are the values of PasswordAge.
type PasswordAgeValues struct {
	// MaxAgeDays is 0 for passwords that last for ever.
	MaxAgeDays uint64 `json:"maxAgeDays"`
	// ExpireWarnDays is 0 for no warning.
	ExpireWarnDays uint64 `json:"expireWarnDays"`
}

// Lockout decides after how many wrong attempts in a row a user is locked.
var Lockout = Kind[LockoutValues]{
	name:           "lockout",
	ofInstance:     events{added: store.InstancePolicyLockoutAdded, changed: store.InstancePolicyLockoutChanged},
	ofOrganization: events{store.OrgPolicyLockoutAdded, store.OrgPolicyLockoutChanged, store.OrgPolicyLockoutRemoved},
}

// LockoutValues are the values of Lockout; 0 is never.
type LockoutValues struct {
	MaxPasswordAttempts uint64 `json:"maxPasswordAttempts"`
	MaxOTPAttempts      uint64 `json:"maxOtpAttempts"`
}
