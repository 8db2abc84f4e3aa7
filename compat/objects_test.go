package compat

import (
	"context"
	"slices"
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/auth"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/member"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/org"
	orgv2 "github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/org/v2"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"google.golang.org/grpc/codes"
)

// newOrganization makes an organization of which the owner of the instance is
// a member, and removes it at the end.
func newOrganization(t *testing.T, c *client.Client, of string) string {
	t.Helper()
	id := ok(c.ManagementService().AddOrg(t.Context(), &management.AddOrgRequest{Name: of}))(t).GetId()
	ctx := context.WithoutCancel(t.Context()) // which is over when the test is
	t.Cleanup(func() { _, _ = c.AdminService().RemoveOrg(ctx, &admin.RemoveOrgRequest{OrgId: id}) })
	return id
}

func TestGoOrganizations(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	id := newOrganization(t, c, "Compat organization")
	here := in(ctx, id)
	listed := ok(c.AdminService().ListOrgs(ctx, &admin.ListOrgsRequest{Queries: []*org.OrgQuery{{Query: &org.OrgQuery_NameQuery{
		NameQuery: &org.OrgNameQuery{Name: "compat ORG", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE},
	}}}}))(t)
	if listed.GetDetails().GetTotalResult() != 1 || listed.GetResult()[0].GetId() != id {
		t.Errorf("listed: %v", listed)
	}
	ok(c.ManagementService().UpdateOrg(here, &management.UpdateOrgRequest{Name: "Compat renamed"}))(t)
	if got := ok(c.AdminService().GetOrgByID(ctx, &admin.GetOrgByIDRequest{Id: id}))(t).GetOrg(); got.GetName() != "Compat renamed" || got.GetState() != org.OrgState_ORG_STATE_ACTIVE {
		t.Errorf("got %v", got)
	}
	ok(c.ManagementService().DeactivateOrg(here, nil))(t)
	ok(c.ManagementService().ReactivateOrg(here, nil))(t)
	ok(c.ManagementService().SetOrgMetadata(here, &management.SetOrgMetadataRequest{Key: "plan", Value: []byte("gold")}))(t)
	if got := ok(c.ManagementService().ListOrgMetadata(here, &management.ListOrgMetadataRequest{}))(t).GetResult(); len(got) != 1 || string(got[0].GetValue()) != "gold" {
		t.Errorf("metadata: %v", got)
	}
	ok(c.ManagementService().RemoveOrgMetadata(here, &management.RemoveOrgMetadataRequest{Key: "plan"}))(t)

	ok(c.ManagementService().AddOrgDomain(here, &management.AddOrgDomainRequest{Domain: "compat.example.com"}))(t)
	ok(c.ManagementService().SetPrimaryOrgDomain(here, &management.SetPrimaryOrgDomainRequest{Domain: "compat.example.com"}))(t)
	if got := ok(c.ManagementService().ListOrgDomains(here, &management.ListOrgDomainsRequest{}))(t).GetResult(); len(got) != 2 {
		t.Errorf("domains: %v", got)
	}
	if got := ok(c.ManagementService().GetOrgByDomainGlobal(ctx, &management.GetOrgByDomainGlobalRequest{Domain: "compat.example.com"}))(t).GetOrg(); got.GetId() != id {
		t.Errorf("by domain: %v", got)
	}
	ok(c.AdminService().RemoveOrg(ctx, &admin.RemoveOrgRequest{OrgId: id}))(t)
	_, err := c.AdminService().GetOrgByID(ctx, &admin.GetOrgByIDRequest{Id: id})
	refused(t, err, codes.NotFound)
}

func TestGoOrganizationV2(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	made := ok(c.OrganizationServiceV2().AddOrganization(ctx, &orgv2.AddOrganizationRequest{Name: "Compat v2"}))(t)
	ok(c.AdminService().RemoveOrg(ctx, &admin.RemoveOrgRequest{OrgId: made.GetOrganizationId()}))(t)
	// What newer clients ask first, to fall back to the older API.
	_, err := c.OrganizationServiceV2().ListOrganizations(ctx, &orgv2.ListOrganizationsRequest{})
	refused(t, err, codes.Unimplemented)
}

func TestGoUsers(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here := in(ctx, newOrganization(t, c, "Compat users"))
	m := c.ManagementService()
	human := ok(m.AddHumanUser(here, &management.AddHumanUserRequest{
		UserName:        "compat-ada",
		Profile:         &management.AddHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace", PreferredLanguage: "en", Gender: user.Gender_GENDER_FEMALE},
		Email:           &management.AddHumanUserRequest_Email{Email: "ada@example.com", IsEmailVerified: true},
		Phone:           &management.AddHumanUserRequest_Phone{Phone: "+41791234567", IsPhoneVerified: true},
		InitialPassword: "Password1!",
	}))(t).GetUserId()
	imported := ok(m.ImportHumanUser(here, &management.ImportHumanUserRequest{
		UserName: "compat-grace",
		Profile:  &management.ImportHumanUserRequest_Profile{FirstName: "Grace", LastName: "Hopper"},
		Email:    &management.ImportHumanUserRequest_Email{Email: "grace@example.com", IsEmailVerified: true},
		// Of the word "password", with bcrypt.
		HashedPassword: &management.ImportHumanUserRequest_HashedPassword{Value: "$2y$10$dGzTqhVfVUjJfaQb6iUpCeCUL/2vvbrqmZEaPJcXcpgz7q8WOOQtC"},
	}))(t).GetUserId()
	listed := ok(m.ListUsers(here, &management.ListUsersRequest{
		Query:         &object.ListQuery{Asc: true},
		SortingColumn: user.UserFieldName_USER_FIELD_NAME_FIRST_NAME,
		Queries: []*user.SearchQuery{{Query: &user.SearchQuery_EmailQuery{EmailQuery: &user.EmailQuery{
			EmailAddress: "@EXAMPLE.com", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE,
		}}}},
	}))(t)
	if got := listed.GetResult(); len(got) != 2 || got[0].GetId() != human || got[1].GetId() != imported || listed.GetDetails().GetTotalResult() != 2 {
		t.Errorf("listed: %v", listed)
	}
	ok(m.UpdateHumanProfile(here, &management.UpdateHumanProfileRequest{UserId: human, FirstName: "Augusta", LastName: "King", DisplayName: "Ada"}))(t)
	ok(m.UpdateHumanEmail(here, &management.UpdateHumanEmailRequest{UserId: human, Email: "augusta@example.com", IsEmailVerified: true}))(t)
	ok(m.UpdateHumanPhone(here, &management.UpdateHumanPhoneRequest{UserId: human, Phone: "+41790000000", IsPhoneVerified: true}))(t)
	ok(m.RemoveHumanPhone(here, &management.RemoveHumanPhoneRequest{UserId: human}))(t)
	ok(m.SetHumanPassword(here, &management.SetHumanPasswordRequest{UserId: human, Password: "Another1!"}))(t)
	ok(m.UpdateUserName(here, &management.UpdateUserNameRequest{UserId: human, UserName: "compat-augusta"}))(t)
	got := ok(m.GetUserByID(here, &management.GetUserByIDRequest{Id: human}))(t).GetUser()
	if got.GetUserName() != "compat-augusta" || got.GetHuman().GetProfile().GetFirstName() != "Augusta" ||
		got.GetHuman().GetEmail().GetEmail() != "augusta@example.com" || got.GetHuman().GetPhone().GetPhone() != "" {
		t.Errorf("got %v", got)
	}
	ok(m.DeactivateUser(here, &management.DeactivateUserRequest{Id: human}))(t)
	ok(m.ReactivateUser(here, &management.ReactivateUserRequest{Id: human}))(t)
	ok(m.LockUser(here, &management.LockUserRequest{Id: human}))(t)
	ok(m.UnlockUser(here, &management.UnlockUserRequest{Id: human}))(t)
	if got := ok(m.ListUserChanges(here, &management.ListUserChangesRequest{UserId: human}))(t).GetResult(); len(got) < 8 {
		t.Errorf("%d changes", len(got))
	}
	ok(m.RemoveUser(here, &management.RemoveUserRequest{Id: human}))(t)
	_, err := m.GetUserByID(here, &management.GetUserByIDRequest{Id: human})
	refused(t, err, codes.NotFound)
}

func TestGoUserMetadata(t *testing.T) {
	c := asOwner(t)
	here, m := in(t.Context(), newOrganization(t, c, "Compat metadata")), c.ManagementService()
	id := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-metadata", Name: "Metadata"}))(t).GetUserId()
	ok(m.SetUserMetadata(here, &management.SetUserMetadataRequest{Id: id, Key: "shoe", Value: []byte("38")}))(t)
	if got := ok(m.GetUserMetadata(here, &management.GetUserMetadataRequest{Id: id, Key: "shoe"}))(t).GetMetadata(); string(got.GetValue()) != "38" {
		t.Errorf("metadata: %v", got)
	}
	ok(m.RemoveUserMetadata(here, &management.RemoveUserMetadataRequest{Id: id, Key: "shoe"}))(t)
	_, err := m.GetUserMetadata(here, &management.GetUserMetadataRequest{Id: id, Key: "shoe"})
	refused(t, err, codes.NotFound)
}

func TestGoMachines(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here := in(ctx, newOrganization(t, c, "Compat machines"))
	m := c.ManagementService()
	id := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-robot", Name: "Robot"}))(t).GetUserId()
	ok(m.UpdateMachine(here, &management.UpdateMachineRequest{UserId: id, Name: "Robot 2", Description: "cleans"}))(t)
	token := ok(m.AddPersonalAccessToken(here, &management.AddPersonalAccessTokenRequest{UserId: id}))(t)
	robot := connect(t, "localhost", client.PAT(token.GetToken()))
	if got := ok(robot.AuthService().GetMyUser(ctx, nil))(t).GetUser(); got.GetMachine().GetName() != "Robot 2" {
		t.Errorf("got %v", got)
	}
	ok(m.RemovePersonalAccessToken(here, &management.RemovePersonalAccessTokenRequest{UserId: id, TokenId: token.GetTokenId()}))(t)
	_, err := robot.AuthService().GetMyUser(ctx, nil)
	refused(t, err, codes.Unauthenticated)

	key := ok(m.AddMachineKey(here, &management.AddMachineKeyRequest{UserId: id, Type: authn.KeyType_KEY_TYPE_JSON}))(t)
	file := ok(client.ConfigFromKeyFileData(key.GetKeyDetails()))(t)
	robot = connect(t, "localhost", client.AuthenticationJWTProfile(file, "openid", client.ScopeZitadelAPI()))
	ok(robot.AuthService().GetMyUser(ctx, nil))(t)
	if got := ok(m.ListMachineKeys(here, &management.ListMachineKeysRequest{UserId: id}))(t).GetResult(); len(got) != 1 || got[0].GetId() != key.GetKeyId() {
		t.Errorf("keys: %v", got)
	}
	ok(m.RemoveMachineKey(here, &management.RemoveMachineKeyRequest{UserId: id, KeyId: key.GetKeyId()}))(t)

	secret := ok(m.GenerateMachineSecret(here, &management.GenerateMachineSecretRequest{UserId: id}))(t)
	if secret.GetClientId() == "" || secret.GetClientSecret() == "" {
		t.Error("the secret is empty")
	}
	ok(m.RemoveMachineSecret(here, &management.RemoveMachineSecretRequest{UserId: id}))(t)
	ok(m.RemoveUser(here, &management.RemoveUserRequest{Id: id}))(t)
}

func TestGoMembers(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here := in(ctx, newOrganization(t, c, "Compat members"))
	m, a := c.ManagementService(), c.AdminService()
	id := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-member", Name: "Member"}))(t).GetUserId()
	queries := []*member.SearchQuery{{Query: &member.SearchQuery_UserIdQuery{UserIdQuery: &member.UserIDQuery{UserId: id}}}}

	ok(m.AddOrgMember(here, &management.AddOrgMemberRequest{UserId: id, Roles: []string{"ORG_OWNER_VIEWER"}}))(t)
	ok(m.UpdateOrgMember(here, &management.UpdateOrgMemberRequest{UserId: id, Roles: []string{"ORG_OWNER"}}))(t)
	if got := ok(m.ListOrgMembers(here, &management.ListOrgMembersRequest{Queries: queries}))(t).GetResult(); len(got) != 1 || !slices.Equal(got[0].GetRoles(), []string{"ORG_OWNER"}) {
		t.Errorf("members of the organization: %v", got)
	}
	ok(a.AddIAMMember(ctx, &admin.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
	if got := ok(a.ListIAMMembers(ctx, &admin.ListIAMMembersRequest{Queries: queries}))(t).GetResult(); len(got) != 1 {
		t.Errorf("members of the instance: %v", got)
	}
	if got := ok(m.ListUserMemberships(here, &management.ListUserMembershipsRequest{UserId: id}))(t).GetDetails().GetTotalResult(); got != 2 {
		t.Errorf("%d memberships", got)
	}
	ok(a.RemoveIAMMember(ctx, &admin.RemoveIAMMemberRequest{UserId: id}))(t)
	ok(m.RemoveOrgMember(here, &management.RemoveOrgMemberRequest{UserId: id}))(t)
	me := ok(c.AuthService().GetMyUser(ctx, nil))(t).GetUser().GetId()
	_, err := a.RemoveIAMMember(ctx, &admin.RemoveIAMMemberRequest{UserId: me})
	refused(t, err, codes.FailedPrecondition) // the last owner
	if got := ok(c.AuthService().ListMyZitadelPermissions(ctx, &auth.ListMyZitadelPermissionsRequest{}))(t).GetResult(); !slices.Contains(got, "iam.write") {
		t.Errorf("permissions: %v", got)
	}
}
