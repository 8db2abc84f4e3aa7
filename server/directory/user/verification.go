package user

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/verificationcode"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

const (
	// codeLifetime is how long a code can be used.
	codeLifetime = time.Hour
	// maxCodeAttempts is the number of wrong codes after which the right one
	// is worth nothing either.
	maxCodeAttempts = 5
)

// CodeKind is what a code proves.
type CodeKind = verificationcode.Kind

// The kinds of code: that a person reads an e-mail address, and that it has a
// phone number.
const (
	EmailCode = verificationcode.KindEmail
	PhoneCode = verificationcode.KindPhone
)

// codeEvents are what is said of a code of each kind.
var codeEvents = map[CodeKind]struct{ added, failed, verified store.EventType }{
	EmailCode: {store.UserHumanEmailCodeAdded, store.UserHumanEmailVerificationFailed, store.UserHumanEmailVerified},
	PhoneCode: {store.UserHumanPhoneCodeAdded, store.UserHumanPhoneVerificationFailed, store.UserHumanPhoneVerified},
}

// NewCode returns a code to be given to whoever sets an address, and the hash
// that SaveCode keeps of it.
func NewCode() (code string, hash []byte) {
	code = id.NewCode()
	return code, id.Hash(code)
}

// SaveCode gives a person a code, for an hour, in place of an older one of the
// kind. The hash is that of NewCode.
func SaveCode(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind, hash []byte) (store.Change, error) {
	change, err := tx.Record(ctx, codeEvents[kind].added, store.UserObject(u), store.Payload{}) // also locks the user
	if err != nil {
		return change, err
	}
	if err := dropCode(ctx, tx, u, kind); err != nil {
		return change, err
	}
	return change, tx.VerificationCode.Create().SetUser(u).SetKind(kind).SetHash(hash).SetExpiresAt(tx.Now().Add(codeLifetime)).Exec(ctx)
}

// Verify marks the e-mail address or the phone number of a person as proved,
// if the code is the one that was given; a code works once. It returns the
// user as it is then.
//
// It returns fault.CodeWrong for the request field "code" if the code is
// another one, is too old, was used, or never was: the attempt counts, and
// after five wrong ones the right one is worth nothing either. It returns
// fault.UserUnknown, or fault.UserNotHuman.
func (u *Users) Verify(ctx context.Context, userID string, kind CodeKind, code string) (row *ent.User, change store.Change, err error) {
	var refused error
	err = u.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		person, err := LockHuman(ctx, tx, userID)
		if err != nil {
			return err
		}
		right, err := redeemCode(ctx, tx, person, kind, code)
		if err != nil {
			return err
		}
		if !right { // what counts the attempt is committed
			refused = fault.CodeWrong.Field("code")
			return nil
		}
		row, change, err = setProved(ctx, tx, person, kind)
		return err
	})
	if err == nil {
		err = refused
	}
	return row, change, err
}

// redeemCode reports whether the code is the one of the person, whose row is
// locked. It takes a right one away, and counts a wrong one.
func redeemCode(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind, code string) (bool, error) {
	row, err := tx.VerificationCode.Query().Where(verificationcode.UserPk(u.ID), verificationcode.KindEQ(kind)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	if row.ExpiresAt.After(tx.Now()) && subtle.ConstantTimeCompare(id.Hash(code), row.Hash) == 1 {
		return true, tx.VerificationCode.DeleteOne(row).Exec(ctx)
	}
	if row.FailedAttempts+1 < maxCodeAttempts {
		err = tx.VerificationCode.UpdateOne(row).AddFailedAttempts(1).Exec(ctx)
	} else {
		err = tx.VerificationCode.DeleteOne(row).Exec(ctx)
	}
	if err != nil {
		return false, err
	}
	_, err = tx.Record(ctx, codeEvents[kind].failed, store.UserObject(u), store.Payload{})
	return false, err
}

// setProved marks an address of a person as proved.
func setProved(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind) (*ent.User, store.Change, error) {
	change, err := tx.Record(ctx, codeEvents[kind].verified, store.UserObject(u), store.Payload{})
	if err != nil {
		return nil, change, err
	}
	update := tx.User.UpdateOne(u)
	if kind == EmailCode {
		update.SetEmailVerified(true).SetState(stateOf(u.State, true, u.PasswordChangedAt != nil))
	} else {
		update.SetPhoneVerified(true)
	}
	row, err := update.Save(ctx)
	return row, change, err
}

// dropCode takes away the code of a kind, if there is one: an address that
// changed is not proved by a code for the one before.
func dropCode(ctx context.Context, tx *store.Tx, u *ent.User, kind CodeKind) error {
	_, err := tx.VerificationCode.Delete().Where(verificationcode.UserPk(u.ID), verificationcode.KindEQ(kind)).Exec(ctx)
	return err
}
