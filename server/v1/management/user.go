package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Users are the calls about people of the chosen organization.
type Users struct {
	store *store.Store
	users *user.Users
}

// ImportHumanUser adds a person to the chosen organization.
func (s Users) ImportHumanUser(ctx context.Context, req *managementv1.ImportHumanUserRequest) (*managementv1.ImportHumanUserResponse, error) {
	id, change, err := add(ctx, s.store, s.users, user.New{
		UserName: req.GetUserName(),
		Human: &user.Human{
			FirstName:              req.GetProfile().GetFirstName(),
			LastName:               req.GetProfile().GetLastName(),
			NickName:               req.GetProfile().GetNickName(),
			DisplayName:            req.GetProfile().GetDisplayName(),
			PreferredLanguage:      req.GetProfile().GetPreferredLanguage(),
			Gender:                 int32(req.GetProfile().GetGender()),
			Email:                  req.GetEmail().GetEmail(),
			EmailVerified:          req.GetEmail().GetIsEmailVerified(),
			Phone:                  req.GetPhone().GetPhone(),
			PhoneVerified:          req.GetPhone().GetIsPhoneVerified(),
			Password:               req.GetPassword(),
			PasswordChangeRequired: req.GetPasswordChangeRequired(),
		},
	}, user.Paths{PreferredLanguage: "profile.preferred_language", Password: "password"})
	if err != nil {
		return nil, err
	}
	return &managementv1.ImportHumanUserResponse{UserId: id, Details: message.Created(change)}, nil
}

// add adds a user to the chosen organization and returns the id.
func add(ctx context.Context, s *store.Store, users *user.Users, n user.New, paths user.Paths) (string, store.Change, error) {
	prepared, err := users.Prepare(ctx, n, caller.OrganizationID(ctx), paths)
	if err != nil {
		return "", store.Change{}, err
	}
	var change store.Change
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		org, err := organization.Get(ctx, tx.Organization, caller.OrganizationID(ctx))
		if err != nil {
			return err
		}
		_, change, err = prepared.Save(ctx, tx, org)
		return err
	})
	return prepared.ID, change, err
}
