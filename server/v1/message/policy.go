package message

import (
	"time"

	policyv1 "github.com/bastide-id/bastide/gen/zitadel/policy/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/store"
)

// PolicyDetails returns what is to be said of a policy after a change, or the
// error of the change.
func PolicyDetails(c store.Change, createdAt time.Time, err error) (*zitadelv1.ObjectDetails, error) {
	if err != nil {
		return nil, err
	}
	return Changed(c, createdAt), nil
}

func policyDetails[T any](p policy.Found[T]) *zitadelv1.ObjectDetails {
	return Details(p.Sequence, p.CreatedAt, p.ChangedAt, p.OwnerID)
}

// DomainPolicy maps a domain policy.
func DomainPolicy(p policy.Found[policy.DomainValues]) *policyv1.DomainPolicy {
	return &policyv1.DomainPolicy{
		Details:                                policyDetails(p),
		UserLoginMustBeDomain:                  p.Values.UserLoginMustBeDomain,
		ValidateOrgDomains:                     p.Values.ValidateOrgDomains,
		SmtpSenderAddressMatchesInstanceDomain: p.Values.SMTPSenderAddressMatchesInstanceDomain,
		IsDefault:                              p.Default,
	}
}

// OrgIAMPolicy maps a domain policy to the message of its former name.
func OrgIAMPolicy(p policy.Found[policy.DomainValues]) *policyv1.OrgIAMPolicy {
	return &policyv1.OrgIAMPolicy{
		Details:               policyDetails(p),
		UserLoginMustBeDomain: p.Values.UserLoginMustBeDomain,
		IsDefault:             p.Default,
	}
}

// PasswordComplexityPolicy maps a policy on what passwords have to be like.
func PasswordComplexityPolicy(p policy.Found[policy.PasswordComplexityValues]) *policyv1.PasswordComplexityPolicy {
	return &policyv1.PasswordComplexityPolicy{
		Details:      policyDetails(p),
		MinLength:    p.Values.MinLength,
		HasUppercase: p.Values.HasUppercase,
		HasLowercase: p.Values.HasLowercase,
		HasNumber:    p.Values.HasNumber,
		HasSymbol:    p.Values.HasSymbol,
		IsDefault:    p.Default,
	}
}

// PasswordAgePolicy maps a policy on how long passwords last.
func PasswordAgePolicy(p policy.Found[policy.PasswordAgeValues]) *policyv1.PasswordAgePolicy {
	return &policyv1.PasswordAgePolicy{
		Details:        policyDetails(p),
		MaxAgeDays:     p.Values.MaxAgeDays,
		ExpireWarnDays: p.Values.ExpireWarnDays,
		IsDefault:      p.Default,
	}
}

// LockoutPolicy maps a policy on when users are locked.
func LockoutPolicy(p policy.Found[policy.LockoutValues]) *policyv1.LockoutPolicy {
	return &policyv1.LockoutPolicy{
		Details:             policyDetails(p),
		MaxPasswordAttempts: p.Values.MaxPasswordAttempts,
		MaxOtpAttempts:      p.Values.MaxOTPAttempts,
		IsDefault:           p.Default,
	}
}

// PasswordComplexityRequest is what the requests that set such a policy have in
// common.
type PasswordComplexityRequest[N uint32 | uint64] interface {
	GetMinLength() N
	GetHasUppercase() bool
	GetHasLowercase() bool
	GetHasNumber() bool
	GetHasSymbol() bool
}

// PasswordComplexityOf returns what sets the values of a request.
func PasswordComplexityOf[N uint32 | uint64](q PasswordComplexityRequest[N]) func(*policy.PasswordComplexityValues) {
	return func(v *policy.PasswordComplexityValues) {
		*v = policy.PasswordComplexityValues{
			MinLength:    uint64(q.GetMinLength()),
			HasUppercase: q.GetHasUppercase(),
			HasLowercase: q.GetHasLowercase(),
			HasNumber:    q.GetHasNumber(),
			HasSymbol:    q.GetHasSymbol(),
		}
	}
}

// PasswordAgeRequest is what the requests that set such a policy have in common.
type PasswordAgeRequest interface {
	GetMaxAgeDays() uint32
	GetExpireWarnDays() uint32
}

// PasswordAgeOf returns what sets the values of a request.
func PasswordAgeOf(q PasswordAgeRequest) func(*policy.PasswordAgeValues) {
	return func(v *policy.PasswordAgeValues) {
		*v = policy.PasswordAgeValues{MaxAgeDays: uint64(q.GetMaxAgeDays()), ExpireWarnDays: uint64(q.GetExpireWarnDays())}
	}
}

// LockoutRequest is what the requests that set such a policy have in common.
type LockoutRequest interface {
	GetMaxPasswordAttempts() uint32
	GetMaxOtpAttempts() uint32
}

// LockoutOf returns what sets the values of a request.
func LockoutOf(q LockoutRequest) func(*policy.LockoutValues) {
	return func(v *policy.LockoutValues) {
		*v = policy.LockoutValues{MaxPasswordAttempts: uint64(q.GetMaxPasswordAttempts()), MaxOTPAttempts: uint64(q.GetMaxOtpAttempts())}
	}
}
