package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/v1/message"
)

// AddHumanUser adds a person to the chosen organization, whose addresses have
// been proved elsewhere.
func (s Users) AddHumanUser(ctx context.Context, req *managementv1.AddHumanUserRequest) (*managementv1.AddHumanUserResponse, error) {
	switch {
	case !req.GetEmail().GetIsEmailVerified():
		return nil, fault.ProviderMissing.With("set email.is_email_verified, or use ImportHumanUser, which sends nothing")
	case req.GetPhone() != nil && !req.GetPhone().GetIsPhoneVerified():
		return nil, fault.ProviderMissing.With("set phone.is_phone_verified, or use ImportHumanUser, which sends nothing")
	}
	human := newHuman(req.GetProfile(), req.GetEmail(), req.GetPhone())
	// Whoever knows an initial password is not the person.
	human.Password, human.PasswordChangeRequired = req.GetInitialPassword(), true
	id, change, err := add(ctx, s.store, s.users, user.New{UserName: req.GetUserName(), Human: human},
		user.Paths{PreferredLanguage: "profile.preferred_language", Password: "initial_password"})
	if err != nil {
		return nil, err
	}
	return &managementv1.AddHumanUserResponse{UserId: id, Details: message.Created(change)}, nil
}

// ImportHumanUser adds a person to the chosen organization as another system
// knew it.
func (s Users) ImportHumanUser(ctx context.Context, req *managementv1.ImportHumanUserRequest) (*managementv1.ImportHumanUserResponse, error) {
	human := newHuman(req.GetProfile(), req.GetEmail(), req.GetPhone())
	human.Password, human.PasswordChangeRequired = req.GetPassword(), req.GetPasswordChangeRequired()
	if hashed := req.GetHashedPassword(); hashed != nil {
		human.PasswordHash = &hashed.Value
	}
	id, change, err := add(ctx, s.store, s.users, user.New{UserName: req.GetUserName(), Human: human},
		user.Paths{PreferredLanguage: "profile.preferred_language", Password: "password", PasswordHash: "hashed_password.value"})
	if err != nil {
		return nil, err
	}
	return &managementv1.ImportHumanUserResponse{UserId: id, Details: message.Created(change)}, nil
}

// newHuman maps what is known of a person. The messages of the two calls have
// the same fields; of absent ones the values are empty.
func newHuman(p profile, e email, n phone) *user.Human {
	return &user.Human{
		FirstName:         p.GetFirstName(),
		LastName:          p.GetLastName(),
		NickName:          p.GetNickName(),
		DisplayName:       p.GetDisplayName(),
		PreferredLanguage: p.GetPreferredLanguage(),
		Gender:            int32(p.GetGender()),
		Email:             e.GetEmail(),
		EmailVerified:     e.GetIsEmailVerified(),
		Phone:             n.GetPhone(),
		PhoneVerified:     n.GetIsPhoneVerified(),
	}
}

type profile interface {
	GetFirstName() string
	GetLastName() string
	GetNickName() string
	GetDisplayName() string
	GetPreferredLanguage() string
	GetGender() userv1.Gender
}

type email interface {
	GetEmail() string
	GetIsEmailVerified() bool
}

type phone interface {
	GetPhone() string
	GetIsPhoneVerified() bool
}
