package system

import (
	"context"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Members are the calls about the members of an instance.
type Members struct{ store *store.Store }

// ListIAMMembers returns the members that match all queries.
func (s Members) ListIAMMembers(ctx context.Context, req *systemv1.ListIAMMembersRequest) (*systemv1.ListIAMMembersResponse, error) {
	details, members, err := message.Members(ctx, s.store, caller.InstanceLevel, caller.InstanceOf(ctx).ID, req)
	return &systemv1.ListIAMMembersResponse{Details: details, Result: members}, err
}
