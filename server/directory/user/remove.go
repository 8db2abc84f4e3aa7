package user

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/password"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/personaldata"
	"github.com/bastide-id/bastide/ent/usermetadata"
	"github.com/bastide-id/bastide/ent/verificationcode"
	"github.com/bastide-id/bastide/server/store"
)

// Remove removes a user with everything that is its own, and takes what tells
// of the person from the history, which keeps that something happened. The
// user is locked and has neither memberships nor grants: it is called by
// membership.RemoveUser.
// It returns fault.NotFound when another call removed the user first.
func Remove(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	change, err := tx.Record(ctx, store.UserRemoved, store.UserObject(u), store.Payload{})
	if err != nil {
		return change, err
	}
	for _, remove := range []func(context.Context) (int, error){
		tx.AccessToken.Delete().Where(accesstoken.UserPk(u.ID)).Exec,
		tx.PersonalAccessToken.Delete().Where(personalaccesstoken.UserPk(u.ID)).Exec,
		tx.MachineKey.Delete().Where(machinekey.UserPk(u.ID)).Exec,
		tx.Password.Delete().Where(password.UserPk(u.ID)).Exec,
		tx.VerificationCode.Delete().Where(verificationcode.UserPk(u.ID)).Exec,
		tx.UserMetadata.Delete().Where(usermetadata.UserPk(u.ID)).Exec,
		tx.PersonalData.Delete().Where(personaldata.UserID(u.UserID)).Exec,
	} {
		if _, err := remove(ctx); err != nil {
			return change, err
		}
	}
	return change, tx.User.DeleteOne(u).Exec(ctx)
}
