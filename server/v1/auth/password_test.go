package auth_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

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
// tokens; the right one starts the count anew, and so does who unlocks the user.
// Guesses at the same time count.
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
		servertest.OK(i.Owner.Management.UnlockUser(t.Context(), &managementv1.UnlockUserRequest{Id: id}))(t)
		wrong(2) // counted anew
		servertest.OK(me.Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// Who was unlocked has all attempts again.
func TestUnlockedAfterLockout(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		lockout(t, s, i.OrganizationID, i.ID, 2)
		id := i.NewHuman(t, "ada")
		me := i.As(t, id)
		guess := func(old string) error {
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: old, NewPassword: "Next-Password1"})
			return err
		}
		for range 2 {
			for range 2 {
				servertest.Refused(t, guess("Wrong-Password1"), connect.CodeInvalidArgument, "password.wrong")
			}
			servertest.Refused(t, guess("Wrong-Password1"), connect.CodeUnauthenticated, "auth.token_invalid")
			servertest.OK(i.Owner.Management.UnlockUser(t.Context(), &managementv1.UnlockUserRequest{Id: id}))(t)
		}
		if err := guess(servertest.HumanPassword); err != nil {
			t.Error(err)
		}
	})
}

// The last owner is not locked out by whoever guesses: its wrong passwords count,
// and lock it once there is another owner.
func TestLockoutOfTheLastOwner(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		lockout(t, s, i.OrganizationID, i.ID, 2)
		id, second := i.NewHuman(t, "ada"), i.NewOrganization(t, "Second")
		join(t, i.Owner.In(second), id, "ORG_OWNER")
		me := i.As(t, id)
		wrong := func() error {
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "Wrong-Password1", NewPassword: "Next-Password1"})
			return err
		}
		for range 4 {
			servertest.Refused(t, wrong(), connect.CodeInvalidArgument, "password.wrong")
		}
		servertest.OK(me.Auth.GetMyUser(t.Context(), nil))(t)
		db := s.Open(t)
		defer db.Close()
		var events, failed int
		if err := db.QueryRow(`SELECT (SELECT count(*) FROM events WHERE type = 'user.locked'), failed_attempts FROM passwords`).Scan(&events, &failed); err != nil {
			t.Fatal(err)
		}
		if events != 0 || failed != 4 {
			t.Errorf("locked %d times after %d attempts", events, failed)
		}
		join(t, i.Owner.In(second), i.NewMachine(t, "another"), "ORG_OWNER")
		servertest.Refused(t, wrong(), connect.CodeInvalidArgument, "password.wrong")
		servertest.Refused(t, wrong(), connect.CodeUnauthenticated, "auth.token_invalid")
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

// A log line has neither a password nor a hash nor a code, also where the call
// could not be read.
func TestLogOfPasswords(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		const secret = "Hidden-Password1"
		for _, body := range []string{
			`{"oldPassword":` + secret + `}`, `{"oldPassword":"` + secret, `{"` + secret + `":1}`, `{"oldPassword":["` + secret + `"]}`,
			`{"oldPassword":{"` + secret + `":"` + secret + `"}}`, `"` + secret + `"`, secret, `{"oldPassword":"` + secret + `","newPassword":"` + secret + `"}`,
			`{"oldPassword":"` + secret + `","newPassword":"` + strings.Repeat(secret, 10) + `"}`, `{"oldPassword":"` + secret + `\xff","newPassword":"x"}`,
			`{"oldPassword":"` + secret + `\u0000","newPassword":"` + secret + `\u0000"}`, `{"oldPassword":"\ud800` + secret + `"}`,
		} {
			for _, to := range []struct{ verb, path string }{
				{http.MethodPut, "/auth/v1/users/me/password"}, {http.MethodPost, "/zitadel.auth.v1.AuthService/UpdateMyPassword"},
				{http.MethodPost, "/management/v1/users/human/_import"},
			} {
				request, err := http.NewRequestWithContext(t.Context(), to.verb, s.URL+to.path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				request.Host = i.Domain
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Authorization", "Bearer "+i.OwnerToken)
				answer, err := s.HTTP().Do(request)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if answer.StatusCode/100 != 4 || answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s %s: %s", to.path, body, answer.Status)
				}
			}
		}
		if strings.Contains(s.Logs(), secret) || !strings.Contains(s.Logs(), "UpdateMyPassword") {
			for line := range strings.Lines(s.Logs()) {
				if strings.Contains(line, secret) {
					t.Error(line)
				}
			}
		}
	})
}
