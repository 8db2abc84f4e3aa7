package auth

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Humans are the calls about what is known of the calling person.
type Humans struct {
	store *store.Store
	users *user.Users
}

// GetMyProfile returns how the caller is addressed.
func (s Humans) GetMyProfile(ctx context.Context, _ *authv1.GetMyProfileRequest) (*authv1.GetMyProfileResponse, error) {
	row, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	return &authv1.GetMyProfileResponse{Details: message.UserDetails(row), Profile: message.Profile(row)}, nil
}

// GetMyEmail returns the e-mail address of the caller.
func (s Humans) GetMyEmail(ctx context.Context, _ *authv1.GetMyEmailRequest) (*authv1.GetMyEmailResponse, error) {
	row, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	return &authv1.GetMyEmailResponse{Details: message.UserDetails(row), Email: message.Email(row)}, nil
}

// GetMyPhone returns the phone number of the caller, which may be empty.
func (s Humans) GetMyPhone(ctx context.Context, _ *authv1.GetMyPhoneRequest) (*authv1.GetMyPhoneResponse, error) {
	row, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	return &authv1.GetMyPhoneResponse{Details: message.UserDetails(row), Phone: message.Phone(row)}, nil
}

// UpdateMyPassword replaces the password of the caller, who knows the old one.
func (s Humans) UpdateMyPassword(ctx context.Context, req *authv1.UpdateMyPasswordRequest) (*authv1.UpdateMyPasswordResponse, error) {
	details, err := message.ChangedUser(s.users.UpdatePassword(ctx, caller.From(ctx).ID, req.GetOldPassword(), req.GetNewPassword(),
		user.PasswordPaths{Old: "old_password", New: "new_password"}))
	return &authv1.UpdateMyPasswordResponse{Details: details}, err
}

// UpdateMyProfile replaces how the caller is addressed.
func (s Humans) UpdateMyProfile(ctx context.Context, req *authv1.UpdateMyProfileRequest) (*authv1.UpdateMyProfileResponse, error) {
	details, err := s.change(ctx, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateProfile(ctx, tx, u, user.Profile{
			FirstName: req.GetFirstName(), LastName: req.GetLastName(), NickName: req.GetNickName(), DisplayName: req.GetDisplayName(),
			PreferredLanguage: req.GetPreferredLanguage(), Gender: int32(req.GetGender()),
		})
	})
	return &authv1.UpdateMyProfileResponse{Details: details}, err
}

// SetMyEmail would send a code to the new e-mail address of the caller, which
// nothing can do yet.
func (s Humans) SetMyEmail(ctx context.Context, req *authv1.SetMyEmailRequest) (*authv1.SetMyEmailResponse, error) {
	details, err := s.change(ctx, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateAddress(ctx, tx, u, user.EmailCode, req.GetEmail(), false, "email: have an administrator set it with UpdateHumanEmail")
	})
	return &authv1.SetMyEmailResponse{Details: details}, err
}

// SetMyPhone would send a code to the new phone number of the caller, which
// nothing can do yet.
func (s Humans) SetMyPhone(ctx context.Context, req *authv1.SetMyPhoneRequest) (*authv1.SetMyPhoneResponse, error) {
	details, err := s.change(ctx, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
		return user.UpdateAddress(ctx, tx, u, user.PhoneCode, req.GetPhone(), false, "phone: have an administrator set it with UpdateHumanPhone")
	})
	return &authv1.SetMyPhoneResponse{Details: details}, err
}

// VerifyMyEmail proves, by a code, that the caller reads its e-mail address.
func (s Humans) VerifyMyEmail(ctx context.Context, req *authv1.VerifyMyEmailRequest) (*authv1.VerifyMyEmailResponse, error) {
	details, err := s.verify(ctx, user.EmailCode, req.GetCode())
	return &authv1.VerifyMyEmailResponse{Details: details}, err
}

// VerifyMyPhone proves, by a code, that the caller has its phone number.
func (s Humans) VerifyMyPhone(ctx context.Context, req *authv1.VerifyMyPhoneRequest) (*authv1.VerifyMyPhoneResponse, error) {
	details, err := s.verify(ctx, user.PhoneCode, req.GetCode())
	return &authv1.VerifyMyPhoneResponse{Details: details}, err
}

// RemoveMyPhone takes the phone number from the caller.
func (s Humans) RemoveMyPhone(ctx context.Context, _ *authv1.RemoveMyPhoneRequest) (*authv1.RemoveMyPhoneResponse, error) {
	details, err := s.change(ctx, user.RemovePhone)
	return &authv1.RemoveMyPhoneResponse{Details: details}, err
}

func (s Humans) verify(ctx context.Context, kind user.CodeKind, code string) (*zitadelv1.ObjectDetails, error) {
	return message.ChangedUser(s.users.Verify(ctx, caller.From(ctx).ID, kind, code))
}

// change runs f in a transaction with the caller, and returns what is to be
// said of it then.
func (s Humans) change(ctx context.Context, f func(context.Context, *store.Tx, *ent.User) (store.Change, error)) (*zitadelv1.ObjectDetails, error) {
	return message.ChangedUser(user.ChangeHuman(ctx, s.store, caller.From(ctx).ID, f))
}

// me returns the calling person.
func (s Humans) me(ctx context.Context) (*ent.User, error) {
	return user.GetHuman(ctx, s.store.Read().User, caller.From(ctx).ID)
}
