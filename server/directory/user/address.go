package user

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// address is an address that a person can be reached at.
type address struct {
	name   string // in the history
	events struct{ changed, codeAdded, codeFailed, verified store.EventType }
	of     func(*ent.User) (value string, verified bool)
	set    func(update *ent.UserUpdateOne, value string, verified bool)
}

// addresses are those that a code of each kind proves.
var addresses = map[CodeKind]address{
	EmailCode: {
		name: "email",
		events: struct{ changed, codeAdded, codeFailed, verified store.EventType }{
			store.UserHumanEmailChanged, store.UserHumanEmailCodeAdded, store.UserHumanEmailVerificationFailed, store.UserHumanEmailVerified,
		},
		of: func(u *ent.User) (string, bool) { return u.Email, u.EmailVerified },
		set: func(update *ent.UserUpdateOne, value string, verified bool) {
			update.SetEmail(value).SetEmailKey(store.Key(value)).SetEmailVerified(verified)
		},
	},
	PhoneCode: {
		name: "phone",
		events: struct{ changed, codeAdded, codeFailed, verified store.EventType }{
			store.UserHumanPhoneChanged, store.UserHumanPhoneCodeAdded, store.UserHumanPhoneVerificationFailed, store.UserHumanPhoneVerified,
		},
		of: func(u *ent.User) (string, bool) { return u.Phone, u.PhoneVerified },
		set: func(update *ent.UserUpdateOne, value string, verified bool) {
			update.SetPhone(value).SetPhoneVerified(verified)
		},
	},
}

// UpdateAddress sets the e-mail address or the phone number of a person, whose
// row is locked. With verified false it would have to be proved by a code that
// is sent there, which nothing can do: then it returns fault.ProviderMissing,
// which says what to do instead. It returns fault.NothingChanged if the person
// has the address, as proved as it would become.
func UpdateAddress(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind, value string, verified bool, instead string) (store.Change, error) {
	was, wasVerified := addresses[kind].of(u)
	value = store.Text(value)
	switch {
	case value == was && (wasVerified || !verified):
		return store.Change{}, fault.NothingChanged.With()
	case !verified:
		return store.Change{}, fault.ProviderMissing.With(instead)
	}
	if value != was {
		payload := store.Payload{Personal: map[string]any{addresses[kind].name: value}}
		if _, err := tx.Record(ctx, addresses[kind].events.changed, store.UserObject(u), payload); err != nil {
			return store.Change{}, err
		}
	}
	if err := dropCode(ctx, tx, u, kind); err != nil {
		return store.Change{}, err
	}
	_, change, err := setProved(ctx, tx, u, kind, value)
	return change, err
}

// RemovePhone takes the phone number from a person, whose row is locked. It
// returns fault.PhoneMissing if there is none.
func RemovePhone(ctx context.Context, tx *store.Tx, u *ent.User) (change store.Change, err error) {
	if u.Phone == "" {
		return change, fault.PhoneMissing.With()
	}
	if err := dropCode(ctx, tx, u, PhoneCode); err != nil {
		return change, err
	}
	change, err = tx.Record(ctx, store.UserHumanPhoneRemoved, store.UserObject(u), store.Payload{})
	if err != nil {
		return change, err
	}
	return change, tx.User.UpdateOne(u).SetPhone("").SetPhoneVerified(false).Exec(ctx)
}

// setProved sets an address of a person as a proved one.
func setProved(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind, value string) (*ent.User, store.Change, error) {
	change, err := tx.Record(ctx, addresses[kind].events.verified, store.UserObject(u), store.Payload{})
	if err != nil {
		return nil, change, err
	}
	update := tx.User.UpdateOne(u).SetState(stateOf(u.State, u.EmailVerified || kind == EmailCode, hasPassword(u)))
	addresses[kind].set(update, value, true)
	row, err := update.Save(ctx)
	return row, change, err
}
