package management_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func person(name string) *managementv1.ImportHumanUserRequest {
	return &managementv1.ImportHumanUserRequest{
		UserName: name,
		Profile:  &managementv1.ImportHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace"},
		Email:    &managementv1.ImportHumanUserRequest_Email{Email: "ada@example.com"},
	}
}

func TestImportHumanUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ImportHumanUser(t.Context(), person(c.Name("ada"))))(t)
			if len(got.GetUserId()) != 18 {
				t.Errorf("the id is %q", got.GetUserId())
			}
			s.Equal(t, got, &managementv1.ImportHumanUserResponse{UserId: got.GetUserId(), Details: details(1, i.OrganizationID)})
			_, err := c.Management.ImportHumanUser(t.Context(), person(strings.ToUpper(c.Name("ada"))))
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		})
	})
}

// Everything that is known of a person is kept.
func TestImportHumanUserWhole(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		whole := person("Straße")
		whole.Profile.NickName, whole.Profile.DisplayName, whole.Profile.PreferredLanguage = "A", "Countess", "de-CH"
		whole.Profile.Gender = userv1.Gender_GENDER_FEMALE
		whole.Email.IsEmailVerified = true
		whole.Phone = &managementv1.ImportHumanUserRequest_Phone{Phone: "+41791234567", IsPhoneVerified: true}
		whole.Password, whole.PasswordChangeRequired = "Secret-Password1", true
		got := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), whole))(t)
		s.Equal(t, got, &managementv1.ImportHumanUserResponse{UserId: got.GetUserId(), Details: details(2, i.OrganizationID)})
		db := s.Open(t)
		defer db.Close()
		var kept int
		if err := db.QueryRow(`SELECT count(*) FROM users WHERE user_name = 'Straße' AND nick_name = 'A' AND display_name = 'Countess'
			AND preferred_language = 'de-CH' AND gender = 1 AND email_verified AND phone = '+41791234567' AND phone_verified AND state = 'active'`).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if kept != 1 {
			t.Error("the person is not kept as it was sent")
		}
		_, err := i.Owner.Management.ImportHumanUser(t.Context(), person("STRASSE")) // the same without regard to case
		servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")

		// A person proves itself otherwise.
		_, err = i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: got.GetUserId()})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.not_machine")
		_, err = i.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: got.GetUserId(), Type: authnv1.KeyType_KEY_TYPE_JSON})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.not_machine")
	})
}

func TestImportHumanUserRefusals(t *testing.T) {
	const invalid, unsupported = "request.invalid", "request.field_unsupported"
	refusals := map[string]struct {
		change func(*managementv1.ImportHumanUserRequest)
		code   connect.Code
		id     string
	}{
		"no user name": {func(r *managementv1.ImportHumanUserRequest) { r.UserName = "" }, connect.CodeInvalidArgument, invalid},
		"NUL":          {func(r *managementv1.ImportHumanUserRequest) { r.Profile.LastName = "a\x00" }, connect.CodeInvalidArgument, "request.nul"},
		"language":     {func(r *managementv1.ImportHumanUserRequest) { r.Profile.PreferredLanguage = "e" }, connect.CodeInvalidArgument, "language.invalid"},
		"no profile":   {func(r *managementv1.ImportHumanUserRequest) { r.Profile = nil }, connect.CodeInvalidArgument, invalid},
		"no e-mail":    {func(r *managementv1.ImportHumanUserRequest) { r.Email = nil }, connect.CodeInvalidArgument, invalid},
		"phone": {func(r *managementv1.ImportHumanUserRequest) {
			r.Phone = &managementv1.ImportHumanUserRequest_Phone{Phone: "079"}
		}, connect.CodeInvalidArgument, invalid},
		"password": {func(r *managementv1.ImportHumanUserRequest) { r.Password = "too-easy" }, connect.CodeInvalidArgument, "password.policy"},
		"hashed password": {func(r *managementv1.ImportHumanUserRequest) {
			r.HashedPassword = &managementv1.ImportHumanUserRequest_HashedPassword{}
		}, connect.CodeInvalidArgument, "password.hash_unknown"},
		"passwordless":  {func(r *managementv1.ImportHumanUserRequest) { r.RequestPasswordlessRegistration = true }, connect.CodeUnimplemented, unsupported},
		"one-time code": {func(r *managementv1.ImportHumanUserRequest) { r.OtpCode = "x" }, connect.CodeUnimplemented, unsupported},
		"identity provider": {func(r *managementv1.ImportHumanUserRequest) {
			r.Idps = []*managementv1.ImportHumanUserRequest_IDP{{ConfigId: "1", ExternalUserId: "2"}}
		}, connect.CodeUnimplemented, unsupported},
		"recovery codes": {func(r *managementv1.ImportHumanUserRequest) {
			r.RecoveryCodes = []*managementv1.ImportHumanUserRequest_RecoveryCode{{CodeType: &managementv1.ImportHumanUserRequest_RecoveryCode_Raw{Raw: "x"}}}
		}, connect.CodeUnimplemented, unsupported},
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		first, before := s.First(t), s.Rows(t)
		for name, refusal := range refusals {
			t.Run(name, func(t *testing.T) {
				request := proto.CloneOf(person("ada"))
				refusal.change(request)
				_, err := first.Owner.Management.ImportHumanUser(t.Context(), request)
				servertest.Refused(t, err, refusal.code, refusal.id)
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}
