package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Members are the calls about the members of the instance.
type Members struct {
	store   *store.Store
	members membership.Members
}

// AddIAMMember makes a user a member of the instance.
func (s Members) AddIAMMember(ctx context.Context, req *adminv1.AddIAMMemberRequest) (*adminv1.AddIAMMemberResponse, error) {
	change, err := s.members.Add(ctx, req.GetUserId(), req.GetRoles())
	return &adminv1.AddIAMMemberResponse{Details: message.Created(change)}, err
}

// ListIAMMembers returns the members that match all queries.
func (s Members) ListIAMMembers(ctx context.Context, req *adminv1.ListIAMMembersRequest) (*adminv1.ListIAMMembersResponse, error) {
	details, members, err := message.Members(ctx, s.store, caller.InstanceLevel, caller.InstanceOf(ctx).ID, req)
	return &adminv1.ListIAMMembersResponse{Details: details, Result: members}, err
}

// ListIAMMemberRoles returns the roles that a member can hold.
func (s Members) ListIAMMemberRoles(ctx context.Context, _ *adminv1.ListIAMMemberRolesRequest) (*adminv1.ListIAMMemberRolesResponse, error) {
	roles := permission.RolesOf(caller.InstanceLevel)
	details, err := message.ListDetails(ctx, s.store)
	if err != nil {
		return nil, err
	}
	details.TotalResult = uint64(len(roles))
	return &adminv1.ListIAMMemberRolesResponse{Details: details, Roles: roles}, nil
}

// UpdateIAMMember replaces the roles of a member.
func (s Members) UpdateIAMMember(ctx context.Context, req *adminv1.UpdateIAMMemberRequest) (*adminv1.UpdateIAMMemberResponse, error) {
	change, began, err := s.members.Update(ctx, req.GetUserId(), req.GetRoles())
	return &adminv1.UpdateIAMMemberResponse{Details: message.Changed(change, began)}, err
}

// RemoveIAMMember ends a membership.
func (s Members) RemoveIAMMember(ctx context.Context, req *adminv1.RemoveIAMMemberRequest) (*adminv1.RemoveIAMMemberResponse, error) {
	change, began, err := s.members.Remove(ctx, req.GetUserId())
	return &adminv1.RemoveIAMMemberResponse{Details: message.Changed(change, began)}, err
}

// onInstance returns the instance of ctx as what members are of.
func onInstance(ctx context.Context, tx *store.Tx) (membership.On, error) {
	row, err := instance.Get(ctx, tx.Instance)
	if err != nil {
		return membership.On{}, err
	}
	return membership.OnInstance(row), nil
}
