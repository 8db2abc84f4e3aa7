package user

import (
	"context"
	"strings"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Profile is how a person is addressed.
type Profile struct {
	FirstName, LastName, NickName string
	// DisplayName is "first last" by default.
	DisplayName       string
	PreferredLanguage string
	Gender            int32
}

// UpdateProfile replaces the profile of a person, whose row is locked. It
// returns fault.Invalid for the request field "preferred_language", or
// fault.NothingChanged.
func UpdateProfile(ctx context.Context, tx *store.Tx, u *ent.User, p Profile) (change store.Change, err error) {
	if err := CheckLanguage("preferred_language", p.PreferredLanguage); err != nil {
		return change, err
	}
	p = Profile{
		FirstName: store.Text(p.FirstName), LastName: store.Text(p.LastName), NickName: store.Text(p.NickName),
		DisplayName:       store.Text(displayName(p.FirstName, p.LastName, p.DisplayName)),
		PreferredLanguage: p.PreferredLanguage, Gender: p.Gender,
	}
	if p == profileOf(u) {
		return change, fault.NothingChanged.With()
	}
	change, err = tx.Record(ctx, store.UserHumanProfileChanged, store.UserObject(u), store.Payload{
		Personal: map[string]any{
			"firstName": p.FirstName, "lastName": p.LastName, "nickName": p.NickName, "displayName": p.DisplayName,
			"preferredLanguage": p.PreferredLanguage, "gender": p.Gender,
		},
	})
	if err != nil {
		return change, err
	}
	return change, tx.User.UpdateOne(u).
		SetFirstName(p.FirstName).SetFirstNameKey(store.Key(p.FirstName)).
		SetLastName(p.LastName).SetLastNameKey(store.Key(p.LastName)).
		SetNickName(p.NickName).SetNickNameKey(store.Key(p.NickName)).
		SetDisplayName(p.DisplayName).SetDisplayNameKey(store.Key(p.DisplayName)).
		SetPreferredLanguage(p.PreferredLanguage).SetGender(p.Gender).
		Exec(ctx)
}

func profileOf(u *ent.User) Profile {
	return Profile{
		FirstName: u.FirstName, LastName: u.LastName, NickName: u.NickName, DisplayName: u.DisplayName,
		PreferredLanguage: u.PreferredLanguage, Gender: u.Gender,
	}
}

func displayName(first, last, display string) string {
	if display != "" {
		return display
	}
	return strings.TrimSpace(first + " " + last)
}
