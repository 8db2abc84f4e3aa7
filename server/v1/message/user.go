package message

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	directory "github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

var userStates = map[user.State]userv1.UserState{
	user.StateActive:   userv1.UserState_USER_STATE_ACTIVE,
	user.StateInactive: userv1.UserState_USER_STATE_INACTIVE,
	user.StateLocked:   userv1.UserState_USER_STATE_LOCKED,
	user.StateInitial:  userv1.UserState_USER_STATE_INITIAL,
}

var userTypes = map[user.Type]userv1.Type{
	user.TypeHuman:   userv1.Type_TYPE_HUMAN,
	user.TypeMachine: userv1.Type_TYPE_MACHINE,
}

// NamedUser maps a user, whose login names it reads.
func NamedUser(ctx context.Context, s *store.Store, row *ent.User) (*userv1.User, error) {
	names, err := directory.LoginNamesOf(ctx, s, row)
	if err != nil {
		return nil, err
	}
	return User(row, names[0]), nil
}

// User maps a user.
func User(row *ent.User, names directory.LoginNames) *userv1.User {
	u := &userv1.User{
		Id:                 row.UserID,
		Details:            UserDetails(row),
		State:              userStates[row.State],
		UserName:           row.UserName,
		LoginNames:         names.All,
		PreferredLoginName: names.Preferred,
	}
	if row.Type == user.TypeMachine {
		u.Type = &userv1.User_Machine{Machine: &userv1.Machine{
			Name:            row.DisplayName,
			Description:     row.Description,
			HasSecret:       len(row.SecretHash) > 0,
			AccessTokenType: userv1.AccessTokenType(row.AccessTokenType),
		}}
		return u
	}
	u.Type = &userv1.User_Human{Human: human(row)}
	return u
}

func human(row *ent.User) *userv1.Human {
	return &userv1.Human{Profile: Profile(row), Email: Email(row), Phone: Phone(row), PasswordChanged: Time(row.PasswordChangedAt)}
}

// Profile maps how a person is addressed.
func Profile(row *ent.User) *userv1.Profile {
	return &userv1.Profile{
		FirstName:         row.FirstName,
		LastName:          row.LastName,
		NickName:          row.NickName,
		DisplayName:       row.DisplayName,
		PreferredLanguage: row.PreferredLanguage,
		Gender:            userv1.Gender(row.Gender),
	}
}

// Email maps the e-mail address of a person.
func Email(row *ent.User) *userv1.Email {
	return &userv1.Email{Email: row.Email, IsEmailVerified: row.EmailVerified}
}

// Phone maps the phone number of a person; an empty one if there is none.
func Phone(row *ent.User) *userv1.Phone {
	return &userv1.Phone{Phone: row.Phone, IsPhoneVerified: row.PhoneVerified}
}

// UserDetails returns what is to be said of a user that was read.
func UserDetails(row *ent.User) *zitadelv1.ObjectDetails {
	return Details(row.Sequence, row.CreatedAt, row.ChangedAt, row.ResourceOwner)
}
