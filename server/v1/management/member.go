package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Members are the calls about the members of the chosen organization, and what
// users are members of.
type Members struct {
	store   *store.Store
	members membership.Members
}

// AddOrgMember makes a user of the instance a member of the organization.
func (s Members) AddOrgMember(ctx context.Context, req *managementv1.AddOrgMemberRequest) (*managementv1.AddOrgMemberResponse, error) {
	change, err := s.members.Add(ctx, req.GetUserId(), req.GetRoles())
	return &managementv1.AddOrgMemberResponse{Details: message.Created(change)}, err
}

// ListOrgMembers returns the members that match all queries.
func (s Members) ListOrgMembers(ctx context.Context, req *managementv1.ListOrgMembersRequest) (*managementv1.ListOrgMembersResponse, error) {
	details, members, err := message.Members(ctx, s.store, caller.OrganizationLevel, caller.OrganizationID(ctx), req)
	return &managementv1.ListOrgMembersResponse{Details: details, Result: members}, err
}

// ListOrgMemberRoles returns the roles that a member can hold.
func (s Members) ListOrgMemberRoles(context.Context, *managementv1.ListOrgMemberRolesRequest) (*managementv1.ListOrgMemberRolesResponse, error) {
	return &managementv1.ListOrgMemberRolesResponse{Result: permission.RolesOf(caller.OrganizationLevel)}, nil
}

// ListUserMemberships returns what a user of the organization is a member of,
// as far as it counts there: of other organizations it does not tell.
func (s Members) ListUserMemberships(ctx context.Context, req *managementv1.ListUserMembershipsRequest) (*managementv1.ListUserMembershipsResponse, error) {
	details, memberships, err := message.Memberships(ctx, s.store, req.GetUserId(), req, membership.WhereCounts(caller.OrganizationID(ctx)))
	return &managementv1.ListUserMembershipsResponse{Details: details, Result: memberships}, err
}

// UpdateOrgMember replaces the roles of a member.
func (s Members) UpdateOrgMember(ctx context.Context, req *managementv1.UpdateOrgMemberRequest) (*managementv1.UpdateOrgMemberResponse, error) {
	change, began, err := s.members.Update(ctx, req.GetUserId(), req.GetRoles())
	return &managementv1.UpdateOrgMemberResponse{Details: message.Changed(change, began)}, err
}

// RemoveOrgMember ends a membership.
func (s Members) RemoveOrgMember(ctx context.Context, req *managementv1.RemoveOrgMemberRequest) (*managementv1.RemoveOrgMemberResponse, error) {
	change, began, err := s.members.Remove(ctx, req.GetUserId())
	return &managementv1.RemoveOrgMemberResponse{Details: message.Changed(change, began)}, err
}

// onOrganization returns the chosen organization as what members are of.
func onOrganization(ctx context.Context, tx *store.Tx) (membership.On, error) {
	row, err := organization.Get(ctx, tx.Organization, caller.OrganizationID(ctx))
	if err != nil {
		return membership.On{}, err
	}
	return membership.OnOrganization(row), nil
}
