package management_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func newPerson(name string) *managementv1.AddHumanUserRequest {
	return &managementv1.AddHumanUserRequest{
		UserName:        name,
		Profile:         &managementv1.AddHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace", PreferredLanguage: "de-CH"},
		Email:           &managementv1.AddHumanUserRequest_Email{Email: "ada@example.com", IsEmailVerified: true},
		Phone:           &managementv1.AddHumanUserRequest_Phone{Phone: "+41791234567", IsPhoneVerified: true},
		InitialPassword: servertest.HumanPassword,
	}
}

func TestAddHumanUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("ada")
			got := servertest.OK(c.Management.AddHumanUser(t.Context(), newPerson(name)))(t)
			s.Equal(t, got, &managementv1.AddHumanUserResponse{UserId: got.GetUserId(), Details: details(2, i.OrganizationID)})
			me := servertest.OK(i.As(t, got.GetUserId()).Auth.GetMyUser(t.Context(), nil))(t)
			s.Equal(t, me, &authv1.GetMyUserResponse{User: &userv1.User{
				Id: got.GetUserId(), Details: details(2, i.OrganizationID), State: userv1.UserState_USER_STATE_ACTIVE,
				UserName: name, LoginNames: []string{name}, PreferredLoginName: name,
				Type: &userv1.User_Human{Human: &userv1.Human{
					Profile:         &userv1.Profile{FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada Lovelace", PreferredLanguage: "de-CH"},
					Email:           &userv1.Email{Email: "ada@example.com", IsEmailVerified: true},
					Phone:           &userv1.Phone{Phone: "+41791234567", IsPhoneVerified: true},
					PasswordChanged: me.GetUser().GetHuman().GetPasswordChanged(),
				}},
			}})
			if me.GetUser().GetHuman().GetPasswordChanged() == nil {
				t.Error("there is no time of the password")
			}
			_, err := c.Management.AddHumanUser(t.Context(), newPerson(strings.ToUpper(name)))
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		})
		if counted(t, s, `SELECT count(*) FROM passwords WHERE NOT change_required`) != 0 {
			t.Error("an initial password need not be changed")
		}
	})
}

func TestAddHumanUserRefusals(t *testing.T) {
	const invalid, missing = "request.invalid", "notification.provider_missing"
	refusals := map[string]struct {
		change func(*managementv1.AddHumanUserRequest)
		code   connect.Code
		id     string
		says   string
	}{
		"unproved e-mail": {func(r *managementv1.AddHumanUserRequest) { r.Email.IsEmailVerified = false }, connect.CodeFailedPrecondition, missing, "email.is_email_verified"},
		"unproved phone":  {func(r *managementv1.AddHumanUserRequest) { r.Phone.IsPhoneVerified = false }, connect.CodeFailedPrecondition, missing, "phone.is_phone_verified"},
		"no user name":    {func(r *managementv1.AddHumanUserRequest) { r.UserName = "" }, connect.CodeInvalidArgument, invalid, "user_name"},
		"no profile":      {func(r *managementv1.AddHumanUserRequest) { r.Profile = nil }, connect.CodeInvalidArgument, invalid, "profile"},
		"no e-mail":       {func(r *managementv1.AddHumanUserRequest) { r.Email = nil }, connect.CodeInvalidArgument, invalid, "email"},
		"e-mail":          {func(r *managementv1.AddHumanUserRequest) { r.Email.Email = "ada" }, connect.CodeInvalidArgument, invalid, "email.email"},
		"phone":           {func(r *managementv1.AddHumanUserRequest) { r.Phone.Phone = "079" }, connect.CodeInvalidArgument, invalid, "phone.phone"},
		"language":        {func(r *managementv1.AddHumanUserRequest) { r.Profile.PreferredLanguage = "e" }, connect.CodeInvalidArgument, "language.invalid", "profile.preferred_language"},
		"password":        {func(r *managementv1.AddHumanUserRequest) { r.InitialPassword = "too-easy" }, connect.CodeInvalidArgument, "password.policy", "initial_password"},
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		first, before := s.First(t), s.Rows(t)
		for name, refusal := range refusals {
			t.Run(name, func(t *testing.T) {
				request := proto.CloneOf(newPerson("ada"))
				refusal.change(request)
				_, err := first.Owner.Management.AddHumanUser(t.Context(), request)
				servertest.Refused(t, err, refusal.code, refusal.id)
				if err != nil && !strings.Contains(err.Error(), refusal.says) {
					t.Errorf("%q does not name %s", err, refusal.says)
				}
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// Without a password or a proved address a person is not active yet.
func TestStatesOfNewPeople(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for name, test := range map[string]struct {
			change func(*managementv1.ImportHumanUserRequest)
			active bool
		}{
			"password and address": {func(r *managementv1.ImportHumanUserRequest) {
				r.Password, r.Email.IsEmailVerified = servertest.HumanPassword, true
			}, true},
			"hash and address": {func(r *managementv1.ImportHumanUserRequest) {
				r.HashedPassword, r.Email.IsEmailVerified = &managementv1.ImportHumanUserRequest_HashedPassword{Value: md5Hash}, true
			}, true},
			"no password": {func(r *managementv1.ImportHumanUserRequest) { r.Email.IsEmailVerified = true }, false},
			"no address":  {func(r *managementv1.ImportHumanUserRequest) { r.Password = servertest.HumanPassword }, false},
			"neither":     {func(*managementv1.ImportHumanUserRequest) {}, false},
		} {
			request := proto.CloneOf(person(name))
			test.change(request)
			id := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), request))(t).GetUserId()
			_, err := i.As(t, id).Auth.GetMyUser(t.Context(), nil)
			if (err == nil) != test.active {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// md5Hash is that of "password".
const md5Hash = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"

// A hash from elsewhere is kept, whatever the password policy says, until the
// password is changed by who knows it.
func TestImportHashedPassword(t *testing.T) {
	hashes := map[string]string{
		"argon2id": "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"md5":      md5Hash,
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for name, hash := range hashes {
			request := proto.CloneOf(person(name))
			request.Email.IsEmailVerified = true
			request.HashedPassword = &managementv1.ImportHumanUserRequest_HashedPassword{Value: hash}
			got := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), request))(t)
			me := i.As(t, got.GetUserId())
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "Wrong-Password1", NewPassword: "New-Password1"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.wrong")
			servertest.OK(me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "password", NewPassword: "New-Password1"}))(t)
		}
		if counted(t, s, `SELECT count(*) FROM passwords WHERE hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'`) != 0 {
			t.Error("a changed password is not hashed our way")
		}

		before := s.Rows(t)
		for _, test := range []struct{ hash, password, id, says string }{
			{"", "", "password.hash_unknown", "hashed_password.value"},
			{"password", "", "password.hash_unknown", "hashed_password.value"},
			{"$argon2id$v=19$m=67108864,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "", "password.hash_cost", "262144 KiB"},
			{"$5$rounds=999999999$saltstring$SSKGkw2yjMFBSa87oIak0M7XDSFx91DbixWbkeVght0", "", "password.hash_cost", "1000000 rounds"},
			{md5Hash, servertest.HumanPassword, "password.twice", "hashed_password.value"},
		} {
			request := proto.CloneOf(person("eve"))
			request.HashedPassword, request.Password = &managementv1.ImportHumanUserRequest_HashedPassword{Value: test.hash}, test.password
			_, err := i.Owner.Management.ImportHumanUser(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, test.id)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not name %s", err, test.says)
			}
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// counted returns the number that a query finds behind the back of the server.
func counted(t *testing.T, s *servertest.Server, query string) (n int) {
	t.Helper()
	db := s.Open(t)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
