package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Policies are the calls about the policies of the chosen organization.
type Policies struct{ store *store.Store }

// GetOrgIAMPolicy returns the domain policy that counts for the organization by its former name.
func (s Policies) GetOrgIAMPolicy(ctx context.Context, _ *managementv1.GetOrgIAMPolicyRequest) (*managementv1.GetOrgIAMPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Domain, caller.OrganizationID(ctx))
	return &managementv1.GetOrgIAMPolicyResponse{Policy: message.OrgIAMPolicy(found)}, err
}

// GetDomainPolicy returns the domain policy that counts for the organization.
func (s Policies) GetDomainPolicy(ctx context.Context, _ *managementv1.GetDomainPolicyRequest) (*managementv1.GetDomainPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Domain, caller.OrganizationID(ctx))
	return &managementv1.GetDomainPolicyResponse{Policy: message.DomainPolicy(found)}, err
}

// AddCustomPasswordComplexityPolicy gives the organization a policy of its own on what passwords have to be like.
func (s Policies) AddCustomPasswordComplexityPolicy(ctx context.Context, req *managementv1.AddCustomPasswordComplexityPolicyRequest) (*managementv1.AddCustomPasswordComplexityPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Add(ctx, s.store, policy.PasswordComplexity, caller.OrganizationID(ctx), message.PasswordComplexityOf(req)))
	return &managementv1.AddCustomPasswordComplexityPolicyResponse{Details: details}, err
}

// GetPasswordComplexityPolicy returns the policy that counts for the organization on what passwords have to be like.
func (s Policies) GetPasswordComplexityPolicy(ctx context.Context, _ *managementv1.GetPasswordComplexityPolicyRequest) (*managementv1.GetPasswordComplexityPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordComplexity, caller.OrganizationID(ctx))
	return &managementv1.GetPasswordComplexityPolicyResponse{Policy: message.PasswordComplexityPolicy(found), IsDefault: found.Default}, err
}

// GetDefaultPasswordComplexityPolicy returns the instance's policy on what passwords have to be like.
func (s Policies) GetDefaultPasswordComplexityPolicy(ctx context.Context, _ *managementv1.GetDefaultPasswordComplexityPolicyRequest) (*managementv1.GetDefaultPasswordComplexityPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordComplexity, "")
	return &managementv1.GetDefaultPasswordComplexityPolicyResponse{Policy: message.PasswordComplexityPolicy(found)}, err
}

// UpdateCustomPasswordComplexityPolicy changes the organization's policy on what passwords have to be like.
func (s Policies) UpdateCustomPasswordComplexityPolicy(ctx context.Context, req *managementv1.UpdateCustomPasswordComplexityPolicyRequest) (*managementv1.UpdateCustomPasswordComplexityPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.PasswordComplexity, caller.OrganizationID(ctx), message.PasswordComplexityOf(req)))
	return &managementv1.UpdateCustomPasswordComplexityPolicyResponse{Details: details}, err
}

// ResetPasswordComplexityPolicyToDefault takes the policy of its own on what passwords have to be like from the organization.
func (s Policies) ResetPasswordComplexityPolicyToDefault(ctx context.Context, _ *managementv1.ResetPasswordComplexityPolicyToDefaultRequest) (*managementv1.ResetPasswordComplexityPolicyToDefaultResponse, error) {
	details, err := message.PolicyDetails(policy.Reset(ctx, s.store, policy.PasswordComplexity, caller.OrganizationID(ctx)))
	return &managementv1.ResetPasswordComplexityPolicyToDefaultResponse{Details: details}, err
}

// AddCustomPasswordAgePolicy gives the organization a policy of its own on how long passwords last.
func (s Policies) AddCustomPasswordAgePolicy(ctx context.Context, req *managementv1.AddCustomPasswordAgePolicyRequest) (*managementv1.AddCustomPasswordAgePolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Add(ctx, s.store, policy.PasswordAge, caller.OrganizationID(ctx), message.PasswordAgeOf(req)))
	return &managementv1.AddCustomPasswordAgePolicyResponse{Details: details}, err
}

// GetPasswordAgePolicy returns the policy that counts for the organization on how long passwords last.
func (s Policies) GetPasswordAgePolicy(ctx context.Context, _ *managementv1.GetPasswordAgePolicyRequest) (*managementv1.GetPasswordAgePolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordAge, caller.OrganizationID(ctx))
	return &managementv1.GetPasswordAgePolicyResponse{Policy: message.PasswordAgePolicy(found), IsDefault: found.Default}, err
}

// GetDefaultPasswordAgePolicy returns the instance's policy on how long passwords last.
func (s Policies) GetDefaultPasswordAgePolicy(ctx context.Context, _ *managementv1.GetDefaultPasswordAgePolicyRequest) (*managementv1.GetDefaultPasswordAgePolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordAge, "")
	return &managementv1.GetDefaultPasswordAgePolicyResponse{Policy: message.PasswordAgePolicy(found)}, err
}

// UpdateCustomPasswordAgePolicy changes the organization's policy on how long passwords last.
func (s Policies) UpdateCustomPasswordAgePolicy(ctx context.Context, req *managementv1.UpdateCustomPasswordAgePolicyRequest) (*managementv1.UpdateCustomPasswordAgePolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.PasswordAge, caller.OrganizationID(ctx), message.PasswordAgeOf(req)))
	return &managementv1.UpdateCustomPasswordAgePolicyResponse{Details: details}, err
}

// ResetPasswordAgePolicyToDefault takes the policy of its own on how long passwords last from the organization.
func (s Policies) ResetPasswordAgePolicyToDefault(ctx context.Context, _ *managementv1.ResetPasswordAgePolicyToDefaultRequest) (*managementv1.ResetPasswordAgePolicyToDefaultResponse, error) {
	details, err := message.PolicyDetails(policy.Reset(ctx, s.store, policy.PasswordAge, caller.OrganizationID(ctx)))
	return &managementv1.ResetPasswordAgePolicyToDefaultResponse{Details: details}, err
}

// AddCustomLockoutPolicy gives the organization a policy of its own on when users are locked.
func (s Policies) AddCustomLockoutPolicy(ctx context.Context, req *managementv1.AddCustomLockoutPolicyRequest) (*managementv1.AddCustomLockoutPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Add(ctx, s.store, policy.Lockout, caller.OrganizationID(ctx), message.LockoutOf(req)))
	return &managementv1.AddCustomLockoutPolicyResponse{Details: details}, err
}

// GetLockoutPolicy returns the policy that counts for the organization on when users are locked.
func (s Policies) GetLockoutPolicy(ctx context.Context, _ *managementv1.GetLockoutPolicyRequest) (*managementv1.GetLockoutPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Lockout, caller.OrganizationID(ctx))
	return &managementv1.GetLockoutPolicyResponse{Policy: message.LockoutPolicy(found), IsDefault: found.Default}, err
}

// GetDefaultLockoutPolicy returns the instance's policy on when users are locked.
func (s Policies) GetDefaultLockoutPolicy(ctx context.Context, _ *managementv1.GetDefaultLockoutPolicyRequest) (*managementv1.GetDefaultLockoutPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Lockout, "")
	return &managementv1.GetDefaultLockoutPolicyResponse{Policy: message.LockoutPolicy(found)}, err
}

// UpdateCustomLockoutPolicy changes the organization's policy on when users are locked.
func (s Policies) UpdateCustomLockoutPolicy(ctx context.Context, req *managementv1.UpdateCustomLockoutPolicyRequest) (*managementv1.UpdateCustomLockoutPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Lockout, caller.OrganizationID(ctx), message.LockoutOf(req)))
	return &managementv1.UpdateCustomLockoutPolicyResponse{Details: details}, err
}

// ResetLockoutPolicyToDefault takes the policy of its own on when users are locked from the organization.
func (s Policies) ResetLockoutPolicyToDefault(ctx context.Context, _ *managementv1.ResetLockoutPolicyToDefaultRequest) (*managementv1.ResetLockoutPolicyToDefaultResponse, error) {
	details, err := message.PolicyDetails(policy.Reset(ctx, s.store, policy.Lockout, caller.OrganizationID(ctx)))
	return &managementv1.ResetLockoutPolicyToDefaultResponse{Details: details}, err
}
