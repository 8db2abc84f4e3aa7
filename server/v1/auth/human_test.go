package auth_test

import (
	"encoding/hex"
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
