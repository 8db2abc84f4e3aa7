package compat

import (
	"context"
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"google.golang.org/grpc/codes"
)

// policyAnswer is what all kinds of policies answer alike.
type policyAnswer interface {
	GetDetails() *object.ObjectDetails
	GetIsDefault() bool
}

// policyKind is a kind of policy by its calls: the instance's is read and
// updated; an organization's own is added, updated, read and reset. Each sets
// the one value that the test looks at.
type policyKind struct {
	name        string
	first, then uint64
	getDefault  func(context.Context) (policyAnswer, uint64, error)
	setDefault  func(context.Context, uint64) error
	get         func(context.Context) (policyAnswer, uint64, error)
	add, update func(ctx context.Context, organizationID string, value uint64) error
	reset       func(ctx context.Context, organizationID string) error
}

func policyKinds(c *client.Client) []policyKind {
	return []policyKind{domainPolicy(c), complexityPolicy(c), agePolicy(c), lockoutPolicy(c)}
}

func domainPolicy(c *client.Client) policyKind {
	m, a := c.ManagementService(), c.AdminService()
	number := func(is bool) uint64 {
		if is {
			return 1
		}
		return 0
	}
	return policyKind{
		name: "domain", first: 1, then: 0,
		getDefault: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := a.GetDomainPolicy(ctx, &admin.GetDomainPolicyRequest{})
			return got.GetPolicy(), number(got.GetPolicy().GetValidateOrgDomains()), err
		},
		setDefault: func(ctx context.Context, v uint64) error {
			_, err := a.UpdateDomainPolicy(ctx, &admin.UpdateDomainPolicyRequest{ValidateOrgDomains: v == 1})
			return err
		},
		get: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := m.GetDomainPolicy(ctx, &management.GetDomainPolicyRequest{})
			return got.GetPolicy(), number(got.GetPolicy().GetValidateOrgDomains()), err
		},
		add: func(ctx context.Context, id string, v uint64) error {
			_, err := a.AddCustomDomainPolicy(ctx, &admin.AddCustomDomainPolicyRequest{OrgId: id, ValidateOrgDomains: v == 1})
			return err
		},
		update: func(ctx context.Context, id string, v uint64) error {
			_, err := a.UpdateCustomDomainPolicy(ctx, &admin.UpdateCustomDomainPolicyRequest{OrgId: id, ValidateOrgDomains: v == 1})
			return err
		},
		reset: func(ctx context.Context, id string) error {
			_, err := a.ResetCustomDomainPolicyToDefault(ctx, &admin.ResetCustomDomainPolicyToDefaultRequest{OrgId: id})
			return err
		},
	}
}

func complexityPolicy(c *client.Client) policyKind {
	m, a := c.ManagementService(), c.AdminService()
	return policyKind{
		name: "password complexity", first: 9, then: 10,
		getDefault: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := a.GetPasswordComplexityPolicy(ctx, &admin.GetPasswordComplexityPolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMinLength(), err
		},
		setDefault: func(ctx context.Context, v uint64) error {
			_, err := a.UpdatePasswordComplexityPolicy(ctx, &admin.UpdatePasswordComplexityPolicyRequest{MinLength: uint32(v), HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true})
			return err
		},
		get: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := m.GetPasswordComplexityPolicy(ctx, &management.GetPasswordComplexityPolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMinLength(), err
		},
		add: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.AddCustomPasswordComplexityPolicy(ctx, &management.AddCustomPasswordComplexityPolicyRequest{MinLength: v, HasNumber: true})
			return err
		},
		update: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.UpdateCustomPasswordComplexityPolicy(ctx, &management.UpdateCustomPasswordComplexityPolicyRequest{MinLength: v, HasNumber: true})
			return err
		},
		reset: func(ctx context.Context, _ string) error {
			_, err := m.ResetPasswordComplexityPolicyToDefault(ctx, &management.ResetPasswordComplexityPolicyToDefaultRequest{})
			return err
		},
	}
}

func agePolicy(c *client.Client) policyKind {
	m, a := c.ManagementService(), c.AdminService()
	return policyKind{
		name: "password age", first: 90, then: 91,
		getDefault: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := a.GetPasswordAgePolicy(ctx, &admin.GetPasswordAgePolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMaxAgeDays(), err
		},
		setDefault: func(ctx context.Context, v uint64) error {
			_, err := a.UpdatePasswordAgePolicy(ctx, &admin.UpdatePasswordAgePolicyRequest{MaxAgeDays: uint32(v)})
			return err
		},
		get: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := m.GetPasswordAgePolicy(ctx, &management.GetPasswordAgePolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMaxAgeDays(), err
		},
		add: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.AddCustomPasswordAgePolicy(ctx, &management.AddCustomPasswordAgePolicyRequest{MaxAgeDays: uint32(v), ExpireWarnDays: 3})
			return err
		},
		update: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.UpdateCustomPasswordAgePolicy(ctx, &management.UpdateCustomPasswordAgePolicyRequest{MaxAgeDays: uint32(v), ExpireWarnDays: 3})
			return err
		},
		reset: func(ctx context.Context, _ string) error {
			_, err := m.ResetPasswordAgePolicyToDefault(ctx, &management.ResetPasswordAgePolicyToDefaultRequest{})
			return err
		},
	}
}

func lockoutPolicy(c *client.Client) policyKind {
	m, a := c.ManagementService(), c.AdminService()
	return policyKind{
		name: "lockout", first: 5, then: 6,
		getDefault: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := a.GetLockoutPolicy(ctx, &admin.GetLockoutPolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMaxPasswordAttempts(), err
		},
		setDefault: func(ctx context.Context, v uint64) error {
			_, err := a.UpdateLockoutPolicy(ctx, &admin.UpdateLockoutPolicyRequest{MaxPasswordAttempts: uint32(v)})
			return err
		},
		get: func(ctx context.Context) (policyAnswer, uint64, error) {
			got, err := m.GetLockoutPolicy(ctx, &management.GetLockoutPolicyRequest{})
			return got.GetPolicy(), got.GetPolicy().GetMaxPasswordAttempts(), err
		},
		add: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.AddCustomLockoutPolicy(ctx, &management.AddCustomLockoutPolicyRequest{MaxPasswordAttempts: uint32(v)})
			return err
		},
		update: func(ctx context.Context, _ string, v uint64) error {
			_, err := m.UpdateCustomLockoutPolicy(ctx, &management.UpdateCustomLockoutPolicyRequest{MaxPasswordAttempts: uint32(v)})
			return err
		},
		reset: func(ctx context.Context, _ string) error {
			_, err := m.ResetLockoutPolicyToDefault(ctx, &management.ResetLockoutPolicyToDefaultRequest{})
			return err
		},
	}
}

// The instance's policies belong to the instance, which is the id that a
// provider keeps of them, and an update that changes nothing says so by its
// code, which a provider takes for done.
func TestGoDefaultPolicies(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	instance := ok(c.AdminService().GetMyInstance(ctx, nil))(t).GetInstance().GetId()
	for _, p := range policyKinds(c) {
		t.Run(p.name, func(t *testing.T) {
			_, before, err := p.getDefault(ctx)
			if err != nil {
				t.Fatal(err)
			}
			after := context.WithoutCancel(ctx)
			t.Cleanup(func() { _ = p.setDefault(after, before) })
			for _, value := range []uint64{p.first, p.then} {
				refused(t, p.setDefault(ctx, value), codes.OK)
				refused(t, p.setDefault(ctx, value), codes.FailedPrecondition)
				got, is, err := p.getDefault(ctx)
				if err != nil || is != value || got.GetDetails().GetResourceOwner() != instance {
					t.Errorf("%v, %v: want %d of instance %s", got, err, value, instance)
				}
			}
		})
	}
}

// An organization's own policy belongs to the organization; without one it
// has the instance's, marked as the default.
func TestGoPolicies(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	id := newOrganization(t, c, "Compat policies")
	here := in(ctx, id)
	for _, p := range policyKinds(c) {
		t.Run(p.name, func(t *testing.T) {
			isDefault := func(want bool) {
				t.Helper()
				if got, _, err := p.get(here); err != nil || got.GetIsDefault() != want {
					t.Errorf("%v, %v: want a default to be %t", got, err, want)
				}
			}
			isDefault(true)
			refused(t, p.update(here, id, p.first), codes.NotFound)
			refused(t, p.add(here, id, p.first), codes.OK)
			refused(t, p.add(here, id, p.then), codes.AlreadyExists)
			refused(t, p.update(here, id, p.first), codes.FailedPrecondition)
			refused(t, p.update(here, id, p.then), codes.OK)
			got, is, err := p.get(here)
			if err != nil || is != p.then || got.GetIsDefault() || got.GetDetails().GetResourceOwner() != id {
				t.Errorf("%v, %v: want %d of organization %s", got, err, p.then, id)
			}
			refused(t, p.reset(here, id), codes.OK)
			isDefault(true)
		})
	}
}
