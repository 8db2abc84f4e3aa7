package user

import (
	"context"
	"errors"

	"github.com/bastide-id/bastide/ent"
	entpassword "github.com/bastide-id/bastide/ent/password"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/password"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// HashPassword returns the hash of a new password for a user of an
// organization. It returns fault.Invalid, for the request field at path, by
// the password policy of the organization, or fault.PasswordBusy.
func (u *Users) HashPassword(ctx context.Context, organizationID, path, text string) (string, error) {
	if err := u.checkPassword(ctx, organizationID, path, text); err != nil {
		return "", err
	}
	return u.hasher.Hash(ctx, text)
}

func (u *Users) checkPassword(ctx context.Context, organizationID, path, text string) error {
	rules, err := policy.Get(ctx, u.store.Read().OwnerPolicy, policy.PasswordComplexity, organizationID)
	if err != nil {
		return err
	}
	return password.Check(path, text, rules)
}

// SetPassword gives a person, whose row is locked, a new password by its hash,
// and forgets wrong attempts. Who may act as the person has been checked.
func SetPassword(ctx context.Context, tx *store.Tx, u *ent.User, hash string, changeRequired bool) (change store.Change, err error) {
	change, err = tx.Record(ctx, store.UserHumanPasswordChanged, store.UserObject(u),
		store.Payload{Public: map[string]any{"changeRequired": changeRequired}})
	if err != nil {
		return change, err
	}
	if err := tx.User.UpdateOne(u).SetPasswordChangedAt(tx.Now()).SetState(stateOf(u.State, u.EmailVerified, true)).Exec(ctx); err != nil {
		return change, err
	}
	changed, err := tx.Password.Update().Where(entpassword.UserPk(u.ID)).
		SetHash(hash).SetChangeRequired(changeRequired).SetFailedAttempts(0).Save(ctx)
	if err != nil || changed > 0 {
		return change, err
	}
	return change, tx.Password.Create().SetUser(u).SetHash(hash).SetChangeRequired(changeRequired).Exec(ctx)
}

// PasswordPaths name the request fields that UpdatePassword may complain of.
type PasswordPaths struct{ Old, New string }

// UpdatePassword replaces the password of a person who knows the old one. It
// returns the person as it was before.
//
// A wrong old password is fault.PasswordWrong for its field. It counts, and as
// the lockout policy says the user is locked, unless Keep refuses that, which
// ends its tokens; a right one ends the counting. It returns fault.Invalid for the new one by the
// password policy, fault.NothingChanged if both are the same,
// fault.PasswordMissing, fault.UserNotHuman, fault.PasswordBusy, or
// fault.TokenInvalid for a user who is no longer active.
func (u *Users) UpdatePassword(ctx context.Context, userID, old, new string, paths PasswordPaths) (row *ent.User, change store.Change, err error) {
	person, err := GetHuman(ctx, u.store.Read().User, userID)
	if err != nil {
		return nil, change, err
	}
	if err := u.checkPassword(ctx, person.ResourceOwner, paths.New, new); err != nil {
		return nil, change, err
	}
	for range passwordTries {
		row, change, err = u.updatePassword(ctx, person, old, new, paths.Old)
		if !errors.Is(err, errPasswordMoved) {
			return row, change, err
		}
	}
	return nil, change, fault.PasswordBusy.With().Because(err)
}

// passwordTries is how often a password is checked that others keep changing.
const passwordTries = 3

// errPasswordMoved says that a password was checked against a hash that is not
// the user's any longer.
var errPasswordMoved = errors.New("user: the password was changed while it was checked")

func (u *Users) updatePassword(ctx context.Context, person *ent.User, old, new, path string) (row *ent.User, change store.Change, err error) {
	a, err := u.try(ctx, person, old)
	if err != nil {
		return nil, change, err
	}
	// Also for a wrong one, that may be refused without a word about it: who
	// tries many at a time must not see in how long it takes which is right.
	if a.newHash, err = u.hasher.Hash(ctx, new); err != nil {
		return nil, change, err
	}
	var refused error
	row, change, err = changeOf(ctx, u.store, person.UserID, lockToGuess, func(ctx context.Context, tx *store.Tx, person *ent.User) (change store.Change, err error) {
		refused, err = u.settle(ctx, tx, person, a, path)
		switch {
		case err != nil || refused != nil:
			return change, err
		case new != old:
			return SetPassword(ctx, tx, person, a.newHash, false)
		}
		refused = fault.NothingChanged.With()
		return change, a.renew(ctx, tx, person)
	})
	if err == nil {
		err = refused
	}
	return row, change, err
}

// attempt is a password that somebody tried, checked before the transaction
// that it counts in: checking takes long.
type attempt struct {
	hash            string // that it was checked against
	right, outdated bool
	newHash         string // to be saved if it was right and is outdated, or has changed
}

// try checks a password of a person. It returns fault.PasswordMissing if there
// is none to check against.
func (u *Users) try(ctx context.Context, person *ent.User, text string) (a attempt, err error) {
	a.hash, err = hashOf(ctx, u.store.Read().Password, person)
	if err == nil {
		a.right, a.outdated, err = u.hasher.Verify(ctx, a.hash, text)
	}
	return a, err
}

// lockToGuess is LockHuman for who may be locked out by a wrong guess. Whether
// the person is the last owner is asked then, so what that goes by is held
// before the person is locked, as everywhere.
func lockToGuess(ctx context.Context, tx *store.Tx, id string) (*ent.User, error) {
	if err := tx.HoldShared(ctx, store.Owners); err != nil {
		return nil, err
	}
	return LockHuman(ctx, tx, id)
}

func hashOf(ctx context.Context, passwords *ent.PasswordClient, u *ent.User) (string, error) {
	hash, err := passwords.Query().Where(entpassword.UserPk(u.ID)).Select(entpassword.FieldHash).String(ctx)
	if ent.IsNotFound(err) {
		err = fault.PasswordMissing.With()
	}
	return hash, err
}

// settle counts the attempt of a person, whose row is locked, if it was wrong,
// and locks the user from the maximum of the policy on, but for the last owner:
// nobody might be left to unlock it. What it did has to be
// committed also when it refuses the attempt. It returns errPasswordMoved if
// the attempt has to be made anew.
func (u *Users) settle(ctx context.Context, tx *store.Tx, person *ent.User, a attempt, path string) (refused, err error) {
	if person.State != user.StateActive { // another attempt locked it: this one must not tell what is right
		return fault.TokenInvalid.With(), nil
	}
	row, err := tx.Password.Query().Where(entpassword.UserPk(person.ID)).Only(ctx)
	if err != nil {
		return nil, err
	}
	if row.Hash != a.hash {
		return nil, errPasswordMoved
	}
	if a.right {
		return nil, nil
	}
	refused = fault.PasswordWrong.Field(path)
	if _, err := tx.Record(ctx, store.UserHumanPasswordCheckFailed, store.UserObject(person), store.Payload{}); err != nil {
		return nil, err
	}
	if row, err = tx.Password.UpdateOne(row).AddFailedAttempts(1).Save(ctx); err != nil {
		return nil, err
	}
	rules, err := policy.Get(ctx, tx.OwnerPolicy, policy.Lockout, person.ResourceOwner)
	if err != nil || rules.MaxPasswordAttempts == 0 || uint64(row.FailedAttempts) < rules.MaxPasswordAttempts {
		return refused, err
	}
	return refused, u.lockOut(ctx, tx, person)
}

// lockOut locks a person, unless the person cannot be missed.
func (u *Users) lockOut(ctx context.Context, tx *store.Tx, person *ent.User) error {
	if u.Keep != nil {
		if err := u.Keep(ctx, tx, person); errors.Is(err, fault.LastOwner.With("")) {
			return nil
		} else if err != nil {
			return err
		}
	}
	if _, err := tx.Record(ctx, store.UserLocked, store.UserObject(person), store.Payload{}); err != nil {
		return err
	}
	return tx.User.UpdateOne(person).SetState(user.StateLocked).Exec(ctx)
}

// renew ends the counting of wrong attempts after a right one, and saves the
// hash of our own kind in place of an outdated one.
func (a attempt) renew(ctx context.Context, tx *store.Tx, u *ent.User) error {
	row, err := tx.Password.Query().Where(entpassword.UserPk(u.ID)).Only(ctx)
	if err != nil {
		return err
	}
	if row.FailedAttempts > 0 {
		if _, err := tx.Record(ctx, store.UserHumanPasswordCheckSucceeded, store.UserObject(u), store.Payload{}); err != nil {
			return err
		}
	}
	update := tx.Password.UpdateOne(row).SetFailedAttempts(0)
	if a.outdated {
		if _, err := tx.Record(ctx, store.UserHumanPasswordHashUpdated, store.UserObject(u), store.Payload{}); err != nil {
			return err
		}
		update.SetHash(a.newHash)
	}
	if row.FailedAttempts == 0 && !a.outdated {
		return nil
	}
	return update.Exec(ctx)
}
