package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Policies are the calls about the policies of the instance, and the domain policies of its organizations.
type Policies struct{ store *store.Store }

// GetPasswordComplexityPolicy returns the instance's policy on what passwords have to be like.
func (s Policies) GetPasswordComplexityPolicy(ctx context.Context, _ *adminv1.GetPasswordComplexityPolicyRequest) (*adminv1.GetPasswordComplexityPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordComplexity, "")
	return &adminv1.GetPasswordComplexityPolicyResponse{Policy: message.PasswordComplexityPolicy(found)}, err
}

// UpdatePasswordComplexityPolicy changes the instance's policy on what passwords have to be like.
func (s Policies) UpdatePasswordComplexityPolicy(ctx context.Context, req *adminv1.UpdatePasswordComplexityPolicyRequest) (*adminv1.UpdatePasswordComplexityPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.PasswordComplexity, "", message.PasswordComplexityOf(req)))
	return &adminv1.UpdatePasswordComplexityPolicyResponse{Details: details}, err
}

// GetPasswordAgePolicy returns the instance's policy on how long passwords last.
func (s Policies) GetPasswordAgePolicy(ctx context.Context, _ *adminv1.GetPasswordAgePolicyRequest) (*adminv1.GetPasswordAgePolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordAge, "")
	return &adminv1.GetPasswordAgePolicyResponse{Policy: message.PasswordAgePolicy(found)}, err
}

// UpdatePasswordAgePolicy changes the instance's policy on how long passwords last.
func (s Policies) UpdatePasswordAgePolicy(ctx context.Context, req *adminv1.UpdatePasswordAgePolicyRequest) (*adminv1.UpdatePasswordAgePolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.PasswordAge, "", message.PasswordAgeOf(req)))
	return &adminv1.UpdatePasswordAgePolicyResponse{Details: details}, err
}

// GetLockoutPolicy returns the instance's policy on when users are locked.
func (s Policies) GetLockoutPolicy(ctx context.Context, _ *adminv1.GetLockoutPolicyRequest) (*adminv1.GetLockoutPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Lockout, "")
	return &adminv1.GetLockoutPolicyResponse{Policy: message.LockoutPolicy(found)}, err
}

// UpdateLockoutPolicy changes the instance's policy on when users are locked.
func (s Policies) UpdateLockoutPolicy(ctx context.Context, req *adminv1.UpdateLockoutPolicyRequest) (*adminv1.UpdateLockoutPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Lockout, "", message.LockoutOf(req)))
	return &adminv1.UpdateLockoutPolicyResponse{Details: details}, err
}
