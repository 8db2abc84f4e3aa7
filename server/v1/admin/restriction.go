package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Restrictions are the calls about what the instance restricts.
type Restrictions struct{ store *store.Store }

// GetRestrictions returns the restrictions of the instance.
func (s Restrictions) GetRestrictions(ctx context.Context, _ *adminv1.GetRestrictionsRequest) (*adminv1.GetRestrictionsResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.Restrictions, "")
	if err != nil {
		return nil, err
	}
	return &adminv1.GetRestrictionsResponse{
		Details:                       message.Details(found.Sequence, found.CreatedAt, found.ChangedAt, found.OwnerID),
		DisallowPublicOrgRegistration: found.Values.DisallowPublicOrgRegistration,
		AllowedLanguages:              found.Values.AllowedLanguages,
	}, nil
}

// SetRestrictions changes the restrictions that are named.
func (s Restrictions) SetRestrictions(ctx context.Context, req *adminv1.SetRestrictionsRequest) (*adminv1.SetRestrictionsResponse, error) {
	if req.DisallowPublicOrgRegistration == nil && req.AllowedLanguages == nil {
		return nil, fault.RestrictionsEmpty.With()
	}
	var languages *[]string
	if req.AllowedLanguages != nil {
		languages = &req.AllowedLanguages.List
	}
	details, err := message.PolicyDetails(policy.Restrict(ctx, s.store, req.DisallowPublicOrgRegistration, languages))
	return &adminv1.SetRestrictionsResponse{Details: details}, err
}
