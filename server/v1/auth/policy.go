package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Policies are the calls about the policies that count for the calling user.
type Policies struct{ store *store.Store }

// GetMyPasswordComplexityPolicy returns what the user's passwords have to be like.
func (s Policies) GetMyPasswordComplexityPolicy(ctx context.Context, _ *authv1.GetMyPasswordComplexityPolicyRequest) (*authv1.GetMyPasswordComplexityPolicyResponse, error) {
	found, err := policy.Find(ctx, s.store, policy.PasswordComplexity, caller.OrganizationID(ctx))
	return &authv1.GetMyPasswordComplexityPolicyResponse{Policy: message.PasswordComplexityPolicy(found)}, err
}
