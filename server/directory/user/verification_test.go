//go:build unix

package user_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// person saves a person with a password, an e-mail address and a phone number
// that are not proved.
func (d directory) person(t *testing.T, name string) (row *ent.User) {
	t.Helper()
	prepared, err := d.users.Prepare(d.ctx, user.New{UserName: name, Human: &user.Human{
		FirstName: name, Email: name + "@example.com", Phone: "+41791234567", Password: "Password1!",
	}}, d.org.OrganizationID, user.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t, d.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		row, _, err = prepared.Save(ctx, tx, d.org)
		return err
	})
	return row
}

// code gives a person a new code.
func (d directory) code(t *testing.T, of *ent.User, kind user.CodeKind) string {
	t.Helper()
	code, hash := user.NewCode()
	d.Write(t, d.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := user.SaveCode(ctx, tx, of, kind, hash)
		return err
	})
	return code
}

func TestCodes(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		ada := d.person(t, "ada")
		try := func(kind user.CodeKind, code string) error {
			_, _, err := d.users.Verify(d.ctx, ada.UserID, kind, code)
			return err
		}
		wrong := func(why string, kind user.CodeKind, code string) {
			t.Helper()
			if err := try(kind, code); !errors.Is(err, fault.CodeWrong.With()) {
				t.Errorf("%s: got %v", why, err)
			}
		}
		wrong("none was given", user.EmailCode, "x")

		first := d.code(t, ada, user.EmailCode)
		second := d.code(t, ada, user.EmailCode)
		wrong("another one replaced it", user.EmailCode, first)
		wrong("of another kind", user.PhoneCode, second)
		if len(second) != 10 || first == second {
			t.Errorf("the codes are %q and %q", first, second)
		}
		d.Clock.Advance(time.Hour)
		wrong("too old", user.EmailCode, second)

		third := d.code(t, ada, user.EmailCode)
		d.Clock.Advance(time.Hour - time.Microsecond)
		for range 4 {
			wrong("another code", user.EmailCode, "x")
		}
		row, change, err := d.users.Verify(d.ctx, ada.UserID, user.EmailCode, strings.ToLower(third))
		if err != nil || !row.EmailVerified || row.PhoneVerified || row.State != entuser.StateActive || change.Sequence == 0 {
			t.Fatalf("the right code in time: %+v, %v", row, err)
		}
		wrong("used", user.EmailCode, third)

		fourth := d.code(t, ada, user.PhoneCode)
		for range 5 {
			wrong("another code", user.PhoneCode, "x")
		}
		wrong("guessed too often", user.PhoneCode, fourth)
		fifth := d.code(t, ada, user.PhoneCode)
		if err := try(user.PhoneCode, fifth); err != nil {
			t.Errorf("a new code: %v", err)
		}
	})
}

// A code for one address proves no other.
func TestCodesOfOldAddresses(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		ada := d.person(t, "ada")
		codes := map[user.CodeKind]string{user.EmailCode: d.code(t, ada, user.EmailCode), user.PhoneCode: d.code(t, ada, user.PhoneCode)}
		for kind, value := range map[user.CodeKind]string{user.EmailCode: "new@example.com", user.PhoneCode: "+1"} {
			row, _, err := user.ChangeHuman(d.ctx, d.Store, ada.UserID, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
				return user.UpdateAddress(ctx, tx, u, kind, value, true, "")
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := d.users.Verify(d.ctx, row.UserID, kind, codes[kind]); !errors.Is(err, fault.CodeWrong.With()) {
				t.Errorf("%s: got %v", kind, err)
			}
		}
		_, _, err := user.ChangeHuman(d.ctx, d.Store, ada.UserID, func(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
			if _, err := user.SaveCode(ctx, tx, u, user.PhoneCode, []byte("x")); err != nil {
				return store.Change{}, err
			}
			return user.RemovePhone(ctx, tx, u)
		})
		if err != nil {
			t.Fatal(err)
		}
		if left := d.Store.Read().VerificationCode.Query().CountX(d.ctx); left != 0 {
			t.Errorf("%d codes are left", left)
		}
	})
}
