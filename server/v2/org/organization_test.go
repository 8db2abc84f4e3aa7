package org_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	objectv2 "github.com/bastide-id/bastide/gen/zitadel/object/v2"
	orgv2 "github.com/bastide-id/bastide/gen/zitadel/org/v2"
	userv2 "github.com/bastide-id/bastide/gen/zitadel/user/v2"
	"github.com/bastide-id/bastide/server/servertest"
)

type (
	request = orgv2.AddOrganizationRequest
	admin   = orgv2.AddOrganizationRequest_Admin
)

// human returns an admin who is made.
func human(name string) *admin {
	return &admin{UserType: &orgv2.AddOrganizationRequest_Admin_Human{Human: &userv2.AddHumanUserRequest{
		Username: proto.String(name),
		Profile:  &userv2.SetHumanProfile{GivenName: "Ada", FamilyName: "Person", Gender: userv2.Gender_GENDER_DIVERSE.Enum()},
		Email:    &userv2.SetHumanEmail{Email: "ada@example.com", Verification: &userv2.SetHumanEmail_IsVerified{IsVerified: true}},
		PasswordType: &userv2.AddHumanUserRequest_Password{Password: &userv2.Password{
			Password: servertest.HumanPassword, ChangeRequired: true,
		}},
	}}}
}

// existing returns an admin who is there.
func existing(id string, roles ...string) *admin {
	return &admin{UserType: &orgv2.AddOrganizationRequest_Admin_UserId{UserId: id}, Roles: roles}
}

func TestAddOrganization(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot := i.NewMachine(t, "robot")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Organization.AddOrganization(t.Context(), &request{
				Name: c.Name("org"), Admins: []*admin{human(c.Name("ada")), existing(robot, "ORG_OWNER_VIEWER")},
			}))(t)
			if len(got.GetCreatedAdmins()) != 1 {
				t.Fatalf("got %v", got)
			}
			user := got.GetCreatedAdmins()[0].GetUserId()
			d := got.GetDetails()
			if d.GetSequence() != 6 || d.GetResourceOwner() != got.GetOrganizationId() || d.GetChangeDate().AsTime().IsZero() || !d.GetCreationDate().IsValid() {
				t.Errorf("the details are %v", d)
			}
			s.Equal(t, got, &orgv2.AddOrganizationResponse{
				Details: got.GetDetails(), OrganizationId: got.GetOrganizationId(),
				CreatedAdmins: []*orgv2.AddOrganizationResponse_CreatedAdmin{{UserId: user}},
			})
			ada := i.As(t, user)
			org := servertest.OK(ada.Management.GetMyOrg(t.Context(), nil))(t).GetOrg()
			if org.GetId() != got.GetOrganizationId() || org.GetName() != c.Name("org") || org.GetPrimaryDomain() != c.Name("org")+".acme.test" {
				t.Errorf("the organization is %v", org)
			}
			servertest.OK(ada.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: c.Name("renamed")}))(t)
			viewer := i.As(t, robot).In(got.GetOrganizationId())
			servertest.OK(viewer.Management.GetMyOrg(t.Context(), nil))(t)
			_, err := viewer.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: "x"})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")

			_, err = c.Organization.AddOrganization(t.Context(), &request{Name: c.Name("renamed")})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.name_taken")
		})
	})
}

// The answer over REST is that of something made.
func TestAddOrganizationAnswers201(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		status, answer := i.Owner.REST(t, http.MethodPost, "/v2/organizations", `{"name":"org"}`)
		if status != http.StatusCreated || answer["organizationId"] == "" || answer["createdAdmins"] != nil {
			t.Errorf("got %d, %v", status, answer)
		}
		if status, answer = i.Owner.REST(t, http.MethodPost, "/v2/organizations", `{"name":"org"}`); status != http.StatusConflict {
			t.Errorf("got %d, %v", status, answer)
		}
		if status, answer = i.Owner.REST(t, http.MethodGet, "/v2/organizations/nothing", ""); status != http.StatusNotFound {
			t.Errorf("got %d, %v", status, answer)
		}
		if status, answer = i.Owner.REST(t, http.MethodPost, "/management/v1/orgs", `{"name":"second"}`); status != http.StatusOK {
			t.Errorf("got %d, %v", status, answer)
		}
	})
}

// Codes that are asked for are answered, and prove the address.
func TestAddOrganizationReturnsCodes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada := human("ada")
		ada.GetHuman().Email.Verification = &userv2.SetHumanEmail_ReturnCode{ReturnCode: &userv2.ReturnEmailVerificationCode{}}
		ada.GetHuman().Phone = &userv2.SetHumanPhone{Phone: "+41791234567", Verification: &userv2.SetHumanPhone_ReturnCode{ReturnCode: &userv2.ReturnPhoneVerificationCode{}}}
		created := servertest.OK(i.Owner.Organization.AddOrganization(t.Context(), &request{
			Name: "org", Admins: []*admin{ada},
		}))(t).GetCreatedAdmins()[0]
		if len(created.GetEmailCode()) < 8 || len(created.GetPhoneCode()) < 8 || created.GetEmailCode() == created.GetPhoneCode() {
			t.Errorf("the codes have %d and %d characters", len(created.GetEmailCode()), len(created.GetPhoneCode()))
		}
		if rows := s.Rows(t); rows["verification_codes"] != 2 {
			t.Errorf("%d codes are kept", rows["verification_codes"])
		}
	})
}

// A person comes with the hash of a password from elsewhere, and with metadata.
func TestAddOrganizationWithWhatIsKnown(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada := human("ada")
		ada.GetHuman().PasswordType = hashed("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/") // of "password"
		ada.GetHuman().Metadata = []*userv2.SetMetadataEntry{{Key: "plan", Value: []byte("gold")}, {Key: "team", Value: []byte("blue")}}
		got := servertest.OK(i.Owner.Organization.AddOrganization(t.Context(), &request{Name: "org", Admins: []*admin{ada}}))(t)
		me := i.As(t, got.GetCreatedAdmins()[0].GetUserId())
		servertest.OK(me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "password", NewPassword: servertest.HumanPassword}))(t)
		for _, want := range ada.GetHuman().GetMetadata() {
			entry := servertest.OK(me.Auth.GetMyMetadata(t.Context(), &authv1.GetMyMetadataRequest{Key: want.GetKey()}))(t).GetMetadata()
			if string(entry.GetValue()) != string(want.GetValue()) {
				t.Errorf("%s is %q", want.GetKey(), entry.GetValue())
			}
		}
	})
}

func hashed(hash string) *userv2.AddHumanUserRequest_HashedPassword {
	return &userv2.AddHumanUserRequest_HashedPassword{HashedPassword: &userv2.HashedPassword{Hash: hash}}
}

func TestIDsThatClientsBring(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		add := func(c *servertest.Caller, r *request) (string, error) {
			got, err := c.Organization.AddOrganization(t.Context(), r)
			return got.GetOrganizationId(), err
		}
		long := strings.Repeat("ü", 200)
		for name, r := range map[string]*request{
			"my-org": {OrganizationId: proto.String("my-org")},
			"old":    {OrgId: proto.String("old")},
			"both":   {OrganizationId: proto.String("both"), OrgId: proto.String("both")},
			long:     {OrganizationId: proto.String(long)},
		} {
			r.Name = name
			if id, err := add(i.Owner, r); err != nil || id != name {
				t.Errorf("got %q, %v", id, err)
			}
		}
		if id, err := add(other.Owner, &request{Name: "x", OrganizationId: proto.String("my-org")}); err != nil || id != "my-org" {
			t.Errorf("in another instance: got %q, %v", id, err)
		}
		mine := human("ada")
		mine.GetHuman().UserId = proto.String("my-user")
		mine.GetHuman().Organization = &objectv2.Organization{Org: &objectv2.Organization_OrgId{OrgId: "with-user"}}
		got := servertest.OK(i.Owner.Organization.AddOrganization(t.Context(), &request{
			Name: "with user", OrganizationId: proto.String("with-user"), Admins: []*admin{mine},
		}))(t)
		if id := got.GetCreatedAdmins()[0].GetUserId(); id != "my-user" {
			t.Errorf("the user has the id %q", id)
		}
		servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: "with-user"}))(t)
		for _, when := range []string{"removed", "erased"} {
			_, err := add(i.Owner, &request{Name: "again " + when, OrganizationId: proto.String("with-user")})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.id_taken")
			_, err = add(i.Owner, &request{Name: "again " + when, Admins: []*admin{mine}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "organization.other")
			mine.GetHuman().Organization = nil
			_, err = add(i.Owner, &request{Name: "again " + when, Admins: []*admin{mine}})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.id_taken")
			mine.GetHuman().Organization = &objectv2.Organization{Org: &objectv2.Organization_OrgId{OrgId: "with-user"}}
			s.Erased(t)
		}
		// Policies and events go by the id alone.
		_, err := add(i.Owner, &request{Name: "x", OrganizationId: proto.String(i.ID)})
		servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.id_taken")
	})
}

// All or nothing: what is refused leaves no row, and says where the mistake is.
func TestAddOrganizationRefuses(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		manager := i.NewMachine(t, "manager")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: manager, Roles: []string{"IAM_ORG_MANAGER"}}))(t)
		as := map[string]*servertest.Caller{"denied": i.NewToken(t, manager), "nobody": i.NewToken(t, i.NewMachine(t, "nobody"))}
		before := s.Rows(t)
		const missing, invalid = "notification.provider_missing", "request.invalid"
		for name, test := range map[string]struct {
			change func(*request, *admin)
			code   connect.Code
			id     string
			names  string
		}{
			"two ids": {func(r *request, _ *admin) {
				//lint:ignore SA1019 older clients send the id by this name
				r.OrganizationId, r.OrgId = proto.String("a"), proto.String("b")
			}, connect.CodeInvalidArgument, "organization.two_ids", "org_id"},
			"empty id":     {func(r *request, _ *admin) { r.OrganizationId = proto.String("") }, connect.CodeInvalidArgument, invalid, "organization_id"},
			"long id":      {func(r *request, _ *admin) { r.OrganizationId = proto.String(strings.Repeat("x", 201)) }, connect.CodeInvalidArgument, invalid, "organization_id"},
			"nobody named": {func(r *request, a *admin) { a.UserType = nil }, connect.CodeInvalidArgument, invalid, "admins[0].user_type"},
			"unknown user": {func(r *request, a *admin) { r.Admins[0] = existing("unknown") }, connect.CodeNotFound, "user.unknown", ""},
			"foreign user": {func(r *request, a *admin) { r.Admins[0] = existing(other.OwnerID) }, connect.CodeNotFound, "user.unknown", ""},
			"user twice": {func(r *request, a *admin) {
				r.Admins = append(r.Admins, existing(i.OwnerID), existing(i.OwnerID))
			}, connect.CodeAlreadyExists, "member.exists", ""},
			"name twice": {func(r *request, a *admin) {
				r.Admins = append(r.Admins, human("ADA"))
			}, connect.CodeAlreadyExists, "user.name_taken", ""},
			"role": {func(r *request, a *admin) {
				r.Admins = append(r.Admins, existing(i.OwnerID, "IAM_OWNER"))
			}, connect.CodeInvalidArgument, "member.role_unknown", "admins[1].roles"},
			"e-mail not one": {func(r *request, a *admin) { a.GetHuman().Email.Email = "x" }, connect.CodeInvalidArgument, invalid, "admins[0].human.email.email"},
			"no e-mail":      {func(r *request, a *admin) { a.GetHuman().Email = nil }, connect.CodeInvalidArgument, invalid, "admins[0].human.email"},
			"e-mail not proved": {func(r *request, a *admin) {
				a.GetHuman().Email.Verification = nil
			}, connect.CodeFailedPrecondition, missing, "human.email.is_verified"},
			"e-mail not verified": {func(r *request, a *admin) {
				a.GetHuman().Email.Verification = &userv2.SetHumanEmail_IsVerified{}
			}, connect.CodeFailedPrecondition, missing, "human.email.is_verified"},
			"e-mail to be sent": {func(r *request, a *admin) {
				a.GetHuman().Email.Verification = &userv2.SetHumanEmail_SendCode{SendCode: &userv2.SendEmailVerificationCode{}}
			}, connect.CodeFailedPrecondition, missing, "human.email.is_verified"},
			"phone not proved": {func(r *request, a *admin) {
				a.GetHuman().Phone = &userv2.SetHumanPhone{Phone: "+41791234567"}
			}, connect.CodeFailedPrecondition, missing, "human.phone.is_verified"},
			"phone to be sent": {func(r *request, a *admin) {
				a.GetHuman().Phone = &userv2.SetHumanPhone{Phone: "+41791234567", Verification: &userv2.SetHumanPhone_SendCode{}}
			}, connect.CodeFailedPrecondition, missing, "human.phone.is_verified"},
			"password": {func(r *request, a *admin) {
				a.GetHuman().GetPassword().Password = "short"
			}, connect.CodeInvalidArgument, "password.policy", "admins[0].human.password.password"},
			"hash": {func(r *request, a *admin) {
				a.GetHuman().PasswordType = hashed("password")
			}, connect.CodeInvalidArgument, "password.hash_unknown", "admins[0].human.hashed_password.hash"},
			"key twice": {func(r *request, a *admin) {
				a.GetHuman().Metadata = []*userv2.SetMetadataEntry{{Key: "plan", Value: []byte("a")}, {Key: "plan", Value: []byte("b")}}
			}, connect.CodeInvalidArgument, "metadata.key_repeated", "admins[0].human.metadata[1].key"},
			"language": {func(r *request, a *admin) {
				a.GetHuman().Profile.PreferredLanguage = proto.String("d?")
			}, connect.CodeInvalidArgument, "language.invalid", "admins[0].human.profile.preferred_language"},
			"another organization": {func(r *request, a *admin) {
				a.GetHuman().Organization = &objectv2.Organization{Org: &objectv2.Organization_OrgId{OrgId: i.OrganizationID}}
			}, connect.CodeInvalidArgument, "organization.other", "admins[0].human.organization"},
			"another organization's domain": {func(r *request, a *admin) {
				a.GetHuman().Organization = &objectv2.Organization{Org: &objectv2.Organization_OrgDomain{OrgDomain: "acme.acme.test"}}
			}, connect.CodeInvalidArgument, "organization.other", "admins[0].human.organization"},
			"denied": {func(r *request, a *admin) {}, connect.CodePermissionDenied, "member.role_denied", ""},
			"nobody": {func(r *request, a *admin) {}, connect.CodePermissionDenied, "auth.permission_missing", ""},
		} {
			r := &request{Name: "new", Admins: []*admin{human("ada")}}
			test.change(r, r.GetAdmins()[0])
			c := i.Owner
			if as[name] != nil {
				c = as[name]
			}
			t.Run(name, func(t *testing.T) {
				_, err := c.Organization.AddOrganization(t.Context(), r)
				servertest.Refused(t, err, test.code, test.id)
				if err != nil && !strings.Contains(err.Error(), test.names) {
					t.Errorf("the error does not name %q: %v", test.names, err)
				}
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
	})
}

// Who makes organizations with users, and who changes the rule of their names,
// take turns: neither waits for what the other holds.
func TestAddBesideChangesOfThePolicy(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		const callers, each = 3, 3
		ended := make(chan error)
		for c := range callers {
			go func() {
				var err error
				for n := 0; n < each && err == nil; n++ {
					name := fmt.Sprintf("beside-%d-%d", c, n)
					_, err = i.Owner.Organization.AddOrganization(t.Context(), &request{Name: name, Admins: []*admin{human(name)}})
				}
				ended <- err
			}()
		}
		mustBeDomain := false
		for left := callers; left > 0; {
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
				left--
			default:
				mustBeDomain = !mustBeDomain
				if _, err := i.Owner.Admin.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{UserLoginMustBeDomain: mustBeDomain}); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
