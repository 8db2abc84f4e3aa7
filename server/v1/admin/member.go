package admin

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Members are the calls about the members of the instance.
type Members struct{ store *store.Store }

// AddIAMMember makes a user a member of the instance.
func (s Members) AddIAMMember(ctx context.Context, req *adminv1.AddIAMMemberRequest) (*adminv1.AddIAMMemberResponse, error) {
	var change store.Change
	err := s.write(ctx, req.GetUserId(), func(ctx context.Context, tx *store.Tx, on membership.On, u *ent.User) error {
		roles, err := membership.CheckRoles(ctx, on, req.GetRoles())
		if err != nil {
			return err
		}
		change, err = membership.Add(ctx, tx, on, u, roles)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.AddIAMMemberResponse{Details: message.Created(change)}, nil
}

// ListIAMMembers returns the members that match all queries.
func (s Members) ListIAMMembers(ctx context.Context, req *adminv1.ListIAMMembersRequest) (*adminv1.ListIAMMembersResponse, error) {
	details, members, err := message.Members(ctx, s.store, req)
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
	var change store.Change
	var row *ent.Membership
	err := s.write(ctx, req.GetUserId(), func(ctx context.Context, tx *store.Tx, on membership.On, u *ent.User) error {
		roles, err := membership.CheckRoles(ctx, on, req.GetRoles())
		if err != nil {
			return err
		}
		change, row, err = membership.Update(ctx, tx, on, u, roles)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.UpdateIAMMemberResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// RemoveIAMMember ends a membership.
func (s Members) RemoveIAMMember(ctx context.Context, req *adminv1.RemoveIAMMemberRequest) (*adminv1.RemoveIAMMemberResponse, error) {
	var change store.Change
	var row *ent.Membership
	err := s.write(ctx, req.GetUserId(), func(ctx context.Context, tx *store.Tx, on membership.On, u *ent.User) (err error) {
		change, row, err = membership.Remove(ctx, tx, on, u)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.RemoveIAMMemberResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

// write runs f in a transaction with the instance and the user it is about.
func (s Members) write(ctx context.Context, userID string, f func(context.Context, *store.Tx, membership.On, *ent.User) error) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := instance.Get(ctx, tx.Instance)
		if err != nil {
			return err
		}
		u, err := user.Get(ctx, tx.User, userID)
		if err != nil {
			return err
		}
		return f(ctx, tx, membership.OnInstance(row), u)
	})
}
