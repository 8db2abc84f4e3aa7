package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/v1/message"
)

// The domain policy is known by two names. The older one, OrgIAM, sees only one
// of its values and leaves the others as they are.

// AddCustomOrgIAMPolicy gives an organization a domain policy of its own by its former name.
func (s Policies) AddCustomOrgIAMPolicy(ctx context.Context, req *adminv1.AddCustomOrgIAMPolicyRequest) (*adminv1.AddCustomOrgIAMPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Add(ctx, s.store, policy.Domain, req.GetOrgId(), loginMustBeDomain(req)))
	return &adminv1.AddCustomOrgIAMPolicyResponse{Details: details}, err
}

// GetOrgIAMPolicy returns the domain policy of the instance by its former name.
func (s Policies) GetOrgIAMPolicy(ctx context.Context, _ *adminv1.GetOrgIAMPolicyRequest) (*adminv1.GetOrgIAMPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Domain, "")
	return &adminv1.GetOrgIAMPolicyResponse{Policy: message.OrgIAMPolicy(found)}, err
}

// GetCustomOrgIAMPolicy returns the domain policy that counts for an organization by its former name.
func (s Policies) GetCustomOrgIAMPolicy(ctx context.Context, req *adminv1.GetCustomOrgIAMPolicyRequest) (*adminv1.GetCustomOrgIAMPolicyResponse, error) {
	found, err := s.domainPolicyOf(ctx, req.GetOrgId())
	return &adminv1.GetCustomOrgIAMPolicyResponse{Policy: message.OrgIAMPolicy(found), IsDefault: found.Default}, err
}

// UpdateOrgIAMPolicy changes the domain policy of the instance by its former name.
func (s Policies) UpdateOrgIAMPolicy(ctx context.Context, req *adminv1.UpdateOrgIAMPolicyRequest) (*adminv1.UpdateOrgIAMPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Domain, "", loginMustBeDomain(req)))
	return &adminv1.UpdateOrgIAMPolicyResponse{Details: details}, err
}

// UpdateCustomOrgIAMPolicy changes the domain policy of an organization by its former name.
func (s Policies) UpdateCustomOrgIAMPolicy(ctx context.Context, req *adminv1.UpdateCustomOrgIAMPolicyRequest) (*adminv1.UpdateCustomOrgIAMPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Domain, req.GetOrgId(), loginMustBeDomain(req)))
	return &adminv1.UpdateCustomOrgIAMPolicyResponse{Details: details}, err
}

// ResetCustomOrgIAMPolicyToDefault takes the domain policy of its own from an organization by its former name.
func (s Policies) ResetCustomOrgIAMPolicyToDefault(ctx context.Context, req *adminv1.ResetCustomOrgIAMPolicyToDefaultRequest) (*adminv1.ResetCustomOrgIAMPolicyToDefaultResponse, error) {
	details, err := message.PolicyDetails(policy.Reset(ctx, s.store, policy.Domain, req.GetOrgId()))
	return &adminv1.ResetCustomOrgIAMPolicyToDefaultResponse{Details: details}, err
}

// AddCustomDomainPolicy gives an organization a domain policy of its own.
func (s Policies) AddCustomDomainPolicy(ctx context.Context, req *adminv1.AddCustomDomainPolicyRequest) (*adminv1.AddCustomDomainPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Add(ctx, s.store, policy.Domain, req.GetOrgId(), domainValues(req)))
	return &adminv1.AddCustomDomainPolicyResponse{Details: details}, err
}

// GetDomainPolicy returns the domain policy of the instance.
func (s Policies) GetDomainPolicy(ctx context.Context, _ *adminv1.GetDomainPolicyRequest) (*adminv1.GetDomainPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Domain, "")
	return &adminv1.GetDomainPolicyResponse{Policy: message.DomainPolicy(found)}, err
}

// GetCustomDomainPolicy returns the domain policy that counts for an organization.
func (s Policies) GetCustomDomainPolicy(ctx context.Context, req *adminv1.GetCustomDomainPolicyRequest) (*adminv1.GetCustomDomainPolicyResponse, error) {
	found, err := s.domainPolicyOf(ctx, req.GetOrgId())
	return &adminv1.GetCustomDomainPolicyResponse{Policy: message.DomainPolicy(found), IsDefault: found.Default}, err
}

// UpdateDomainPolicy changes the domain policy of the instance.
func (s Policies) UpdateDomainPolicy(ctx context.Context, req *adminv1.UpdateDomainPolicyRequest) (*adminv1.UpdateDomainPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Domain, "", domainValues(req)))
	return &adminv1.UpdateDomainPolicyResponse{Details: details}, err
}

// UpdateCustomDomainPolicy changes the domain policy of an organization.
func (s Policies) UpdateCustomDomainPolicy(ctx context.Context, req *adminv1.UpdateCustomDomainPolicyRequest) (*adminv1.UpdateCustomDomainPolicyResponse, error) {
	details, err := message.PolicyDetails(policy.Update(ctx, s.store, policy.Domain, req.GetOrgId(), domainValues(req)))
	return &adminv1.UpdateCustomDomainPolicyResponse{Details: details}, err
}

// ResetCustomDomainPolicyToDefault takes the domain policy of its own from an organization.
func (s Policies) ResetCustomDomainPolicyToDefault(ctx context.Context, req *adminv1.ResetCustomDomainPolicyToDefaultRequest) (*adminv1.ResetCustomDomainPolicyToDefaultResponse, error) {
	details, err := message.PolicyDetails(policy.Reset(ctx, s.store, policy.Domain, req.GetOrgId()))
	return &adminv1.ResetCustomDomainPolicyToDefaultResponse{Details: details}, err
}

// domainPolicyOf returns the domain policy that counts for an organization, or
// fault.OrganizationUnknown.
func (s Policies) domainPolicyOf(ctx context.Context, organizationID string) (policy.Found[policy.DomainValues], error) {
	exists, err := organization.Exists(ctx, s.store, organizationID)
	if err == nil && !exists {
		err = fault.OrganizationUnknown.With()
	}
	if err != nil {
		return policy.Found[policy.DomainValues]{}, err
	}
	return policy.Find(ctx, s.store, policy.Domain, organizationID)
}

func loginMustBeDomain(q interface{ GetUserLoginMustBeDomain() bool }) func(*policy.DomainValues) {
	return func(v *policy.DomainValues) { v.UserLoginMustBeDomain = q.GetUserLoginMustBeDomain() }
}

// domainRequest is what the requests that set a domain policy have in common.
type domainRequest interface {
	GetUserLoginMustBeDomain() bool
	GetValidateOrgDomains() bool
	GetSmtpSenderAddressMatchesInstanceDomain() bool
}

func domainValues(q domainRequest) func(*policy.DomainValues) {
	return func(v *policy.DomainValues) {
		*v = policy.DomainValues{
			UserLoginMustBeDomain:                  q.GetUserLoginMustBeDomain(),
			ValidateOrgDomains:                     q.GetValidateOrgDomains(),
			SMTPSenderAddressMatchesInstanceDomain: q.GetSmtpSenderAddressMatchesInstanceDomain(),
		}
	}
}
