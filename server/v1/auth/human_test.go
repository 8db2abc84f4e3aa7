package auth_test

import (
	"encoding/hex"
	"fmt"
	"sync"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/servertest"
)

const (
	unchanged = "object.unchanged"
	provider  = "notification.provider_missing"
)

func details(sequence uint64, owner string) *zitadelv1.ObjectDetails {
	return &zitadelv1.ObjectDetails{Sequence: sequence, ResourceOwner: owner}
}

func TestMyProfile(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		me := i.As(t, i.NewHuman(t, "ada"))
		got := servertest.OK(me.Auth.GetMyProfile(t.Context(), &authv1.GetMyProfileRequest{}))(t)
		s.Equal(t, got, &authv1.GetMyProfileResponse{
			Details: details(2, i.OrganizationID), Profile: &userv1.Profile{FirstName: "ada", LastName: "Person", DisplayName: "ada Person"},
		})
		changes := uint64(2)
		me.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			request := &authv1.UpdateMyProfileRequest{
				FirstName: c.Name("Ada"), LastName: "Lovelace", NickName: "A", DisplayName: "Countess", PreferredLanguage: "en", Gender: userv1.Gender_GENDER_FEMALE,
			}
			updated := servertest.OK(c.Auth.UpdateMyProfile(t.Context(), request))(t)
			s.Equal(t, updated, &authv1.UpdateMyProfileResponse{Details: details(changes, i.OrganizationID)})
			got := servertest.OK(c.Auth.GetMyProfile(t.Context(), &authv1.GetMyProfileRequest{}))(t)
			s.Equal(t, got, &authv1.GetMyProfileResponse{
				Details: details(changes, i.OrganizationID),
				Profile: &userv1.Profile{
					FirstName: c.Name("Ada"), LastName: "Lovelace", NickName: "A", DisplayName: "Countess", PreferredLanguage: "en", Gender: userv1.Gender_GENDER_FEMALE,
				},
			})
			_, err := c.Auth.UpdateMyProfile(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			request.PreferredLanguage = "e"
			_, err = c.Auth.UpdateMyProfile(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "language.invalid")
		})
	})
}

// An address of one's own has to be proved, for which nothing can send a code;
// so none can be set, least of all as a proved one.
func TestMyAddresses(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewHuman(t, "ada")
		servertest.OK(i.Owner.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41791234567", IsPhoneVerified: true}))(t)
		i.As(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.SetMyEmail(t.Context(), &authv1.SetMyEmailRequest{Email: "new@example.com"})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, provider)
			_, err = c.Auth.SetMyEmail(t.Context(), &authv1.SetMyEmailRequest{Email: "ada@example.com"})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			_, err = c.Auth.SetMyEmail(t.Context(), &authv1.SetMyEmailRequest{Email: "ada"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
			_, err = c.Auth.SetMyPhone(t.Context(), &authv1.SetMyPhoneRequest{Phone: "+41790000000"})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, provider)
			_, err = c.Auth.SetMyPhone(t.Context(), &authv1.SetMyPhoneRequest{Phone: "+41791234567"})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			email := servertest.OK(c.Auth.GetMyEmail(t.Context(), &authv1.GetMyEmailRequest{}))(t)
			s.Equal(t, email, &authv1.GetMyEmailResponse{Details: details(4, i.OrganizationID), Email: &userv1.Email{Email: "ada@example.com", IsEmailVerified: true}})
			phone := servertest.OK(c.Auth.GetMyPhone(t.Context(), &authv1.GetMyPhoneRequest{}))(t)
			s.Equal(t, phone, &authv1.GetMyPhoneResponse{Details: details(4, i.OrganizationID), Phone: &userv1.Phone{Phone: "+41791234567", IsPhoneVerified: true}})
		})
	})
}

func TestRemoveMyPhone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewHuman(t, "ada")
		changes := uint64(2)
		i.As(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 3
			servertest.OK(i.Owner.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41791234567", IsPhoneVerified: true}))(t)
			got := servertest.OK(c.Auth.RemoveMyPhone(t.Context(), &authv1.RemoveMyPhoneRequest{}))(t)
			s.Equal(t, got, &authv1.RemoveMyPhoneResponse{Details: details(changes, i.OrganizationID)})
			_, err := c.Auth.RemoveMyPhone(t.Context(), &authv1.RemoveMyPhoneRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.phone_missing")
		})
	})
}

func TestVerifyMyAddresses(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewHuman(t, "ada")
		code, hash := user.NewCode()
		literal := `x'` + hex.EncodeToString(hash) + `'`
		if s.Kind == servertest.Postgres {
			literal = `'\x` + hex.EncodeToString(hash) + `'`
		}
		unproved := func(t *testing.T, kind user.CodeKind) {
			t.Helper()
			s.Exec(t, `UPDATE users SET phone = '+41791234567', `+string(kind)+`_verified = false WHERE user_id = '`+id+`'`)
			s.Exec(t, `INSERT INTO verification_codes (instance_id, user_pk, kind, hash, expires_at)
				SELECT instance_id, id, '`+string(kind)+`', `+literal+`, '2099-01-01 00:00:00+00:00' FROM users WHERE user_id = '`+id+`'`)
		}
		changes := uint64(2)
		i.As(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			unproved(t, user.EmailCode)
			unproved(t, user.PhoneCode)
			_, err := c.Auth.VerifyMyEmail(t.Context(), &authv1.VerifyMyEmailRequest{Code: "WRONG"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "user.code_wrong")
			_, err = c.Auth.VerifyMyPhone(t.Context(), &authv1.VerifyMyPhoneRequest{Code: "WRONG"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "user.code_wrong")
			changes += 3 // both failures count
			email := servertest.OK(c.Auth.VerifyMyEmail(t.Context(), &authv1.VerifyMyEmailRequest{Code: code}))(t)
			s.Equal(t, email, &authv1.VerifyMyEmailResponse{Details: details(changes, i.OrganizationID)})
			changes++
			phone := servertest.OK(c.Auth.VerifyMyPhone(t.Context(), &authv1.VerifyMyPhoneRequest{Code: code}))(t)
			s.Equal(t, phone, &authv1.VerifyMyPhoneResponse{Details: details(changes, i.OrganizationID)})
			got := servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t).GetUser().GetHuman()
			if !got.GetEmail().GetIsEmailVerified() || !got.GetPhone().GetIsPhoneVerified() {
				t.Errorf("the addresses are not proved: %v", got)
			}
		})
	})
}

func TestUpdateMyPassword(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewHuman(t, "ada")
		old, changes := servertest.HumanPassword, uint64(2)
		i.As(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			update := func(old, new string) (*authv1.UpdateMyPasswordResponse, error) {
				return c.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: old, NewPassword: new})
			}
			next := c.Name("Next-Password1")
			_, err := update("Wrong-Password1", next)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.wrong")
			_, err = update(old, "too-easy")
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.policy")
			_, err = update(old, old)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
			changes += 3 // wrong, right, changed
			s.Equal(t, servertest.OK(update(old, next))(t), &authv1.UpdateMyPasswordResponse{Details: details(changes, i.OrganizationID)})
			_, err = update(old, "Another-Password1")
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.wrong")
			changes++
			old = next
		})
	})
}

// lockout sets after how many wrong passwords in a row a user is locked.
func lockout(t *testing.T, s *servertest.Server, owner, instance string, attempts int) {
	t.Helper()
	s.Exec(t, fmt.Sprintf(`INSERT INTO policies (instance_id, owner_id, kind, settings, sequence, created_at, changed_at)
		VALUES ('%s', '%s', 'lockout', '{"maxPasswordAttempts":%d}', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`, instance, owner, attempts))
}

// At the maximum of wrong passwords in a row the user is locked, which ends its
// tokens; the right one starts the count anew. Guesses at the same time count.
func TestLockout(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		lockout(t, s, i.OrganizationID, i.ID, 3)
		id := i.NewHuman(t, "ada")
		me := i.As(t, id)
		guess := func(old, new string) error {
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: old, NewPassword: new})
			return err
		}
		wrong := func(times int) {
			t.Helper()
			for range times {
				servertest.Refused(t, guess("Wrong-Password1", "Next-Password1"), connect.CodeInvalidArgument, "password.wrong")
			}
		}
		wrong(2)
		servertest.Refused(t, guess(servertest.HumanPassword, servertest.HumanPassword), connect.CodeFailedPrecondition, unchanged) // a right one
		wrong(2)
		if err := guess(servertest.HumanPassword, "Next-Password1"); err != nil { // another one
			t.Error(err)
		}
		wrong(2)
		servertest.OK(i.Owner.Management.SetHumanPassword(t.Context(), &managementv1.SetHumanPasswordRequest{UserId: id, Password: servertest.HumanPassword}))(t)
		wrong(1)

		var all sync.WaitGroup
		answers := make(chan error, 6)
		for range cap(answers) {
			all.Go(func() { answers <- guess("Wrong-Password1", "Next-Password1") })
		}
		all.Wait()
		close(answers)
		counted := 0
		for err := range answers {
			if connect.CodeOf(err) == connect.CodeInvalidArgument {
				counted++
			} else {
				servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
			}
		}
		if counted != 2 {
			t.Errorf("%d more guesses were answered: want 2", counted)
		}
		servertest.Refused(t, guess(servertest.HumanPassword, "Next-Password1"), connect.CodeUnauthenticated, "auth.token_invalid")
		_, err := me.Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		db := s.Open(t)
		defer db.Close()
		var events, failed int
		query := `SELECT (SELECT count(*) FROM events WHERE aggregate_id = '` + id + `' AND type = 'user.locked'), failed_attempts FROM passwords`
		if err := db.QueryRow(query).Scan(&events, &failed); err != nil {
			t.Fatal(err)
		}
		if events != 1 || failed != 3 {
			t.Errorf("locked %d times after %d attempts", events, failed)
		}
	})
}

// Without a policy nobody is locked.
func TestNoLockout(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		me := i.As(t, i.NewHuman(t, "ada"))
		for range 7 {
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "Wrong-Password1", NewPassword: "Next-Password1"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.wrong")
		}
		servertest.OK(me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: servertest.HumanPassword, NewPassword: "Next-Password1"}))(t)
	})
}

// A hash from elsewhere becomes one of ours at the first right password, also
// if nothing else changes.
func TestOutdatedHash(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		me := i.As(t, servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
			UserName:       "ada",
			Profile:        &managementv1.ImportHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace"},
			Email:          &managementv1.ImportHumanUserRequest_Email{Email: "ada@example.com", IsEmailVerified: true},
			HashedPassword: &managementv1.ImportHumanUserRequest_HashedPassword{Value: "$5$saltstring$XZVksJWnzqvUAXvPyUXLWMc6kF5.ajmPuFJ8Aabka.C"}, // Password1!
		}))(t).GetUserId())
		for range 2 {
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: servertest.HumanPassword, NewPassword: servertest.HumanPassword})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, unchanged)
		}
		db := s.Open(t)
		defer db.Close()
		var hashes, events int
		query := `SELECT (SELECT count(*) FROM passwords WHERE hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'),
			(SELECT count(*) FROM events WHERE type = 'user.human.password.hash.updated')`
		if err := db.QueryRow(query).Scan(&hashes, &events); err != nil {
			t.Fatal(err)
		}
		if hashes != 1 || events != 1 {
			t.Errorf("%d hashes are ours after %d updates", hashes, events)
		}
	})
}

// A person without a password has none to change; nor has a machine, or a
// system user.
func TestNoPerson(t *testing.T) {
	calls := map[string]func(*servertest.Caller) error{
		"GetMyProfile": func(c *servertest.Caller) error {
			_, err := c.Auth.GetMyProfile(t.Context(), &authv1.GetMyProfileRequest{})
			return err
		},
		"GetMyEmail": func(c *servertest.Caller) error {
			_, err := c.Auth.GetMyEmail(t.Context(), &authv1.GetMyEmailRequest{})
			return err
		},
		"GetMyPhone": func(c *servertest.Caller) error {
			_, err := c.Auth.GetMyPhone(t.Context(), &authv1.GetMyPhoneRequest{})
			return err
		},
		"UpdateMyPassword": func(c *servertest.Caller) error {
			_, err := c.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "x", NewPassword: servertest.HumanPassword})
			return err
		},
		"UpdateMyProfile": func(c *servertest.Caller) error {
			_, err := c.Auth.UpdateMyProfile(t.Context(), &authv1.UpdateMyProfileRequest{FirstName: "A", LastName: "B", DisplayName: "C"})
			return err
		},
		"SetMyEmail": func(c *servertest.Caller) error {
			_, err := c.Auth.SetMyEmail(t.Context(), &authv1.SetMyEmailRequest{Email: "a@example.com"})
			return err
		},
		"SetMyPhone": func(c *servertest.Caller) error {
			_, err := c.Auth.SetMyPhone(t.Context(), &authv1.SetMyPhoneRequest{Phone: "+1"})
			return err
		},
		"VerifyMyEmail": func(c *servertest.Caller) error {
			_, err := c.Auth.VerifyMyEmail(t.Context(), &authv1.VerifyMyEmailRequest{Code: "x"})
			return err
		},
		"VerifyMyPhone": func(c *servertest.Caller) error {
			_, err := c.Auth.VerifyMyPhone(t.Context(), &authv1.VerifyMyPhoneRequest{Code: "x"})
			return err
		},
		"RemoveMyPhone": func(c *servertest.Caller) error {
			_, err := c.Auth.RemoveMyPhone(t.Context(), &authv1.RemoveMyPhoneRequest{})
			return err
		},
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada := i.NewHuman(t, "ada")
		s.Exec(t, `DELETE FROM passwords`)
		system, person := s.AsSystem(t).On(i.Domain), i.As(t, ada)
		before := s.Rows(t)
		for name, call := range calls {
			t.Run(name, func(t *testing.T) {
				servertest.Refused(t, call(i.Owner), connect.CodeFailedPrecondition, "user.not_human")
				servertest.Refused(t, call(system), connect.CodeNotFound, "user.unknown")
			})
		}
		servertest.Refused(t, calls["UpdateMyPassword"](person), connect.CodeFailedPrecondition, "password.missing")
		servertest.Refused(t, calls["VerifyMyEmail"](person), connect.CodeInvalidArgument, "user.code_wrong") // there is none
		servertest.SameRows(t, before, s.Rows(t))
	})
}
