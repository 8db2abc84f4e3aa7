package management

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Humans are the calls about what is known of people of the chosen organization.
type Humans struct {
	store *store.Store
	users *user.Users
}

// GetHumanProfile returns how a person is addressed.
func (s Humans) GetHumanProfile(ctx context.Context, req *managementv1.GetHumanProfileRequest) (*managementv1.GetHumanProfileResponse, error) {
	row, err := user.GetHuman(ctx, s.store.Read().User, req.GetUserId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetHumanProfileResponse{Details: message.UserDetails(row), Profile: message.Profile(row)}, nil
}

// GetHumanEmail returns the e-mail address of a person.
func (s Humans) GetHumanEmail(ctx context.Context, req *managementv1.GetHumanEmailRequest) (*managementv1.GetHumanEmailResponse, error) {
	row, err := user.GetHuman(ctx, s.store.Read().User, req.GetUserId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetHumanEmailResponse{Details: message.UserDetails(row), Email: message.Email(row)}, nil
}

// GetHumanPhone returns the phone number of a person, which may be empty.
func (s Humans) GetHumanPhone(ctx context.Context, req *managementv1.GetHumanPhoneRequest) (*managementv1.GetHumanPhoneResponse, error) {
	row, err := user.GetHuman(ctx, s.store.Read().User, req.GetUserId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetHumanPhoneResponse{Details: message.UserDetails(row), Phone: message.Phone(row)}, nil
}

// UpdateHumanProfile replaces how a person is addressed.
func (s Humans) UpdateHumanProfile(ctx context.Context, req *managementv1.UpdateHumanProfileRequest) (*managementv1.UpdateHumanProfileResponse, error) {
	details, err := s.change(ctx, req.GetUserId(), func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateProfile(ctx, tx, u, user.Profile{
			FirstName: req.GetFirstName(), LastName: req.GetLastName(), NickName: req.GetNickName(), DisplayName: req.GetDisplayName(),
			PreferredLanguage: req.GetPreferredLanguage(), Gender: int32(req.GetGender()),
		})
	})
	return &managementv1.UpdateHumanProfileResponse{Details: details}, err
}

// UpdateHumanEmail sets the e-mail address of a person as a proved one.
func (s Humans) UpdateHumanEmail(ctx context.Context, req *managementv1.UpdateHumanEmailRequest) (*managementv1.UpdateHumanEmailResponse, error) {
	details, err := s.change(ctx, req.GetUserId(), asUser(func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateAddress(ctx, tx, u, user.EmailCode, req.GetEmail(), req.GetIsEmailVerified(), "set is_email_verified")
	}))
	return &managementv1.UpdateHumanEmailResponse{Details: details}, err
}

// UpdateHumanPhone sets the phone number of a person as a proved one.
func (s Humans) UpdateHumanPhone(ctx context.Context, req *managementv1.UpdateHumanPhoneRequest) (*managementv1.UpdateHumanPhoneResponse, error) {
	details, err := s.change(ctx, req.GetUserId(), asUser(func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateAddress(ctx, tx, u, user.PhoneCode, req.GetPhone(), req.GetIsPhoneVerified(), "set is_phone_verified")
	}))
	return &managementv1.UpdateHumanPhoneResponse{Details: details}, err
}

// SetHumanInitialPassword gives a person a password that has to be changed.
func (s Humans) SetHumanInitialPassword(ctx context.Context, req *managementv1.SetHumanInitialPasswordRequest) (*managementv1.SetHumanInitialPasswordResponse, error) {
	details, err := s.setPassword(ctx, req.GetUserId(), req.GetPassword(), true)
	return &managementv1.SetHumanInitialPasswordResponse{Details: details}, err
}

// SetHumanPassword gives a person a password.
func (s Humans) SetHumanPassword(ctx context.Context, req *managementv1.SetHumanPasswordRequest) (*managementv1.SetHumanPasswordResponse, error) {
	details, err := s.setPassword(ctx, req.GetUserId(), req.GetPassword(), !req.GetNoChangeRequired())
	return &managementv1.SetHumanPasswordResponse{Details: details}, err
}

// RemoveHumanPhone takes the phone number from a person.
func (s Humans) RemoveHumanPhone(ctx context.Context, req *managementv1.RemoveHumanPhoneRequest) (*managementv1.RemoveHumanPhoneResponse, error) {
	details, err := s.change(ctx, req.GetUserId(), asUser(user.RemovePhone))
	return &managementv1.RemoveHumanPhoneResponse{Details: details}, err
}

// RemoveHumanAvatar takes the avatar from a person. Nobody has one: there is no
// call yet that sets it.
func (s Humans) RemoveHumanAvatar(ctx context.Context, req *managementv1.RemoveHumanAvatarRequest) (*managementv1.RemoveHumanAvatarResponse, error) {
	if _, err := user.GetHuman(ctx, s.store.Read().User, req.GetUserId()); err != nil {
		return nil, err
	}
	return nil, fault.AvatarMissing.With()
}

// setPassword gives a person, whom the caller may act as, a password.
func (s Humans) setPassword(ctx context.Context, userID, text string, changeRequired bool) (*zitadelv1.ObjectDetails, error) {
	hash, err := s.users.HashPassword(ctx, caller.OrganizationID(ctx), "password", text)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, userID, asUser(func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.SetPassword(ctx, tx, u, hash, changeRequired)
	}))
}

// change runs f in a transaction with a person, and returns what is to be said
// of it then.
func (s Humans) change(ctx context.Context, userID string, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*zitadelv1.ObjectDetails, error) {
	return message.ChangedUser(user.ChangeHuman(ctx, s.store, userID, f))
}
