package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// GetUserByID returns a user of the chosen organization.
func (s Users) GetUserByID(ctx context.Context, req *managementv1.GetUserByIDRequest) (*managementv1.GetUserByIDResponse, error) {
	row, err := user.Get(ctx, s.store.Read().User, req.GetId())
	if err != nil {
		return nil, err
	}
	u, err := message.NamedUser(ctx, s.store, row)
	return &managementv1.GetUserByIDResponse{User: u}, err
}

// GetUserByLoginNameGlobal returns a user of any organization of the instance.
func (s Users) GetUserByLoginNameGlobal(ctx context.Context, req *managementv1.GetUserByLoginNameGlobalRequest) (*managementv1.GetUserByLoginNameGlobalResponse, error) {
	row, err := user.ByLoginName(ctx, s.store, req.GetLoginName())
	if err != nil {
		return nil, err
	}
	u, err := message.NamedUser(ctx, s.store, row)
	return &managementv1.GetUserByLoginNameGlobalResponse{User: u}, err
}

// ListUsers returns the users of the chosen organization that match all
// queries.
func (s Users) ListUsers(ctx context.Context, req *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
	conditions, err := message.UserConditions("queries", req.GetQueries())
	if err != nil {
		return nil, err
	}
	of, err := organization.Get(ctx, s.store.Read().Organization, caller.OrganizationID(ctx))
	if err != nil {
		return nil, err
	}
	details, users, err := message.List(ctx, s.store, req, func(page store.Page) ([]user.Named, uint64, error) {
		return user.List(ctx, s.store, of, page, message.UserColumn(req.GetSortingColumn()), conditions...)
	}, func(row user.Named) *userv1.User { return message.User(row.User, row.LoginNames) })
	return &managementv1.ListUsersResponse{Details: details, SortingColumn: req.GetSortingColumn(), Result: users}, err
}

// IsUserUnique tells whether a user name and an e-mail address are free.
func (s Users) IsUserUnique(ctx context.Context, req *managementv1.IsUserUniqueRequest) (*managementv1.IsUserUniqueResponse, error) {
	unique, err := user.IsUnique(ctx, s.store, caller.OrganizationID(ctx), req.GetUserName(), req.GetEmail())
	return &managementv1.IsUserUniqueResponse{IsUnique: unique}, err
}
