package compat

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/app"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/member"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/org"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// plan is what a Terraform provider keeps of the objects that it made.
type plan struct {
	c                                                               *client.Client
	org, human, machine, project, application, token, key, clientID string
	expires                                                         *timestamppb.Timestamp
	oidc                                                            *app.OIDCConfig
}

// A Terraform provider makes these calls, in this order, by the Go client: it
// applies a plan, reads everything back, which must be what it set (else the
// next plan is not empty), changes, reads again, and destroys. Twice, so that
// nothing of the first run is in the way of the second.
func TestProviderCalls(t *testing.T) {
	for range 2 {
		p := plan{c: asOwner(t), expires: timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Second))}
		p.apply(t)
		p.refresh(t, []string{"ORG_OWNER"}, "Shop")
		p.change(t)
		p.refresh(t, []string{"ORG_OWNER_VIEWER"}, "Shop 2")
		p.destroy(t)
	}
}

func (p *plan) here(t *testing.T) context.Context { return in(t.Context(), p.org) }

func (p *plan) apply(t *testing.T) {
	t.Helper()
	m := p.c.ManagementService()
	p.org = ok(m.AddOrg(t.Context(), &management.AddOrgRequest{Name: "Provider"}))(t).GetId()
	ctx := p.here(t)
	ok(m.AddOrgDomain(ctx, &management.AddOrgDomainRequest{Domain: "provider.example.com"}))(t)
	p.human = ok(m.ImportHumanUser(ctx, &management.ImportHumanUserRequest{
		UserName: "provider-human",
		Profile:  &management.ImportHumanUserRequest_Profile{FirstName: "Ada", LastName: "Lovelace", NickName: "ada", DisplayName: "Ada L", PreferredLanguage: "de", Gender: user.Gender_GENDER_FEMALE},
		Email:    &management.ImportHumanUserRequest_Email{Email: "ada@example.com", IsEmailVerified: true},
		Phone:    &management.ImportHumanUserRequest_Phone{Phone: "+41799999999", IsPhoneVerified: true},
		Password: "Password1!",
	}))(t).GetUserId()
	p.machine = ok(m.AddMachineUser(ctx, &management.AddMachineUserRequest{UserName: "provider-machine", Name: "Machine", Description: "a machine user"}))(t).GetUserId()
	p.project = ok(m.AddProject(ctx, &management.AddProjectRequest{Name: "Shop", ProjectRoleAssertion: true, ProjectRoleCheck: true, HasProjectCheck: true}))(t).GetId()
	p.token = ok(m.AddPersonalAccessToken(ctx, &management.AddPersonalAccessTokenRequest{UserId: p.machine, ExpirationDate: p.expires}))(t).GetTokenId()
	p.key = ok(m.AddMachineKey(ctx, &management.AddMachineKeyRequest{UserId: p.machine, Type: authn.KeyType_KEY_TYPE_JSON, ExpirationDate: p.expires}))(t).GetKeyId()
	ok(m.AddOrgMember(ctx, &management.AddOrgMemberRequest{UserId: p.human, Roles: []string{"ORG_OWNER"}}))(t)
	ok(p.c.AdminService().AddIAMMember(t.Context(), &admin.AddIAMMemberRequest{UserId: p.human, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
	p.oidc = &app.OIDCConfig{
		RedirectUris:             []string{"https://provider.example.com"},
		ResponseTypes:            []app.OIDCResponseType{app.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE},
		GrantTypes:               []app.OIDCGrantType{app.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE},
		AppType:                  app.OIDCAppType_OIDC_APP_TYPE_WEB,
		AuthMethodType:           app.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_BASIC,
		PostLogoutRedirectUris:   []string{"https://provider.example.com/out"},
		AccessTokenType:          app.OIDCTokenType_OIDC_TOKEN_TYPE_BEARER,
		AccessTokenRoleAssertion: true,
		ClockSkew:                durationpb.New(time.Second),
		AdditionalOrigins:        []string{"https://other.example.com"},
	}
	made := ok(m.AddOIDCApp(ctx, &management.AddOIDCAppRequest{
		ProjectId: p.project, Name: "Web", RedirectUris: p.oidc.RedirectUris, ResponseTypes: p.oidc.ResponseTypes, GrantTypes: p.oidc.GrantTypes,
		AppType: p.oidc.AppType, AuthMethodType: p.oidc.AuthMethodType, PostLogoutRedirectUris: p.oidc.PostLogoutRedirectUris,
		AccessTokenType: p.oidc.AccessTokenType, AccessTokenRoleAssertion: true, ClockSkew: p.oidc.ClockSkew, AdditionalOrigins: p.oidc.AdditionalOrigins,
	}))(t)
	p.application, p.clientID = made.GetAppId(), made.GetClientId()
}

// refresh reads as the provider does, and checks what it compares with its plan.
func (p *plan) refresh(t *testing.T, roles []string, project string) {
	t.Helper()
	ctx, m, a := p.here(t), p.c.ManagementService(), p.c.AdminService()
	if got := ok(a.GetOrgByID(t.Context(), &admin.GetOrgByIDRequest{Id: p.org}))(t).GetOrg(); got.GetName() != "Provider" || got.GetState() != org.OrgState_ORG_STATE_ACTIVE || got.GetPrimaryDomain() == "" {
		t.Errorf("organization: %v", got)
	}
	ok(a.GetDefaultOrg(t.Context(), nil))(t)
	human := ok(m.GetUserByID(ctx, &management.GetUserByIDRequest{Id: p.human}))(t).GetUser()
	profile := &user.Profile{FirstName: "Ada", LastName: "Lovelace", NickName: "ada", DisplayName: "Ada L", PreferredLanguage: "de", Gender: user.Gender_GENDER_FEMALE}
	if !proto.Equal(human.GetHuman().GetProfile(), profile) || human.GetDetails().GetResourceOwner() != p.org || human.GetState() != user.UserState_USER_STATE_ACTIVE ||
		human.GetUserName() != "provider-human" || human.GetPreferredLoginName() == "" || !human.GetHuman().GetPhone().GetIsPhoneVerified() {
		t.Errorf("person: %v", human)
	}
	machine := ok(m.GetUserByID(ctx, &management.GetUserByIDRequest{Id: p.machine}))(t).GetUser().GetMachine()
	if machine.GetName() != "Machine" || machine.GetDescription() != "a machine user" {
		t.Errorf("machine: %v", machine)
	}
	domains := ok(m.ListOrgDomains(ctx, &management.ListOrgDomainsRequest{Queries: []*org.DomainSearchQuery{{Query: &org.DomainSearchQuery_DomainNameQuery{
		DomainNameQuery: &org.DomainNameQuery{Name: "provider.example.com", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS},
	}}}}))(t).GetResult()
	if len(domains) != 1 || domains[0].GetOrgId() != p.org {
		t.Errorf("domains: %v", domains)
	}
	if got := ok(m.GetProjectByID(ctx, &management.GetProjectByIDRequest{Id: p.project}))(t).GetProject(); got.GetName() != project || !got.GetProjectRoleAssertion() || !got.GetProjectRoleCheck() || !got.GetHasProjectCheck() {
		t.Errorf("project: %v", got)
	}
	token := ok(m.GetPersonalAccessTokenByIDs(ctx, &management.GetPersonalAccessTokenByIDsRequest{UserId: p.machine, TokenId: p.token}))(t).GetToken()
	key := ok(m.GetMachineKeyByIDs(ctx, &management.GetMachineKeyByIDsRequest{UserId: p.machine, KeyId: p.key}))(t).GetKey()
	if !proto.Equal(token.GetExpirationDate(), p.expires) || !proto.Equal(key.GetExpirationDate(), p.expires) {
		t.Errorf("token %v and key %v expire otherwise than at %v", token, key, p.expires)
	}
	queries := []*member.SearchQuery{{Query: &member.SearchQuery_UserIdQuery{UserIdQuery: &member.UserIDQuery{UserId: p.human}}}}
	members := ok(m.ListOrgMembers(ctx, &management.ListOrgMembersRequest{Queries: queries}))(t).GetResult()
	if len(members) != 1 || members[0].GetDetails().GetResourceOwner() != p.org || !slices.Equal(members[0].GetRoles(), roles) {
		t.Errorf("members of the organization: %v", members)
	}
	instance := ok(a.GetMyInstance(t.Context(), nil))(t).GetInstance().GetId()
	members = ok(a.ListIAMMembers(t.Context(), &admin.ListIAMMembersRequest{Queries: queries}))(t).GetResult()
	if len(members) != 1 || members[0].GetDetails().GetResourceOwner() != instance {
		t.Errorf("members of the instance: %v", members)
	}
	got := ok(m.GetAppByID(ctx, &management.GetAppByIDRequest{ProjectId: p.project, AppId: p.application}))(t).GetApp()
	want := proto.Clone(p.oidc).(*app.OIDCConfig)
	want.ClientId, want.AllowedOrigins = p.clientID, got.GetOidcConfig().GetAllowedOrigins()
	if got.GetName() != "Web" || !proto.Equal(got.GetOidcConfig(), want) {
		t.Errorf("application: %v\nwant %v", got, want)
	}
}

func (p *plan) change(t *testing.T) {
	t.Helper()
	m := p.c.ManagementService()
	ok(m.UpdateOrgMember(p.here(t), &management.UpdateOrgMemberRequest{UserId: p.human, Roles: []string{"ORG_OWNER_VIEWER"}}))(t)
	ok(m.UpdateProject(p.here(t), &management.UpdateProjectRequest{Id: p.project, Name: "Shop 2", ProjectRoleAssertion: true, ProjectRoleCheck: true, HasProjectCheck: true}))(t)
}

func (p *plan) destroy(t *testing.T) {
	t.Helper()
	ctx, m, a := p.here(t), p.c.ManagementService(), p.c.AdminService()
	ok(m.RemoveApp(ctx, &management.RemoveAppRequest{ProjectId: p.project, AppId: p.application}))(t)
	ok(m.RemovePersonalAccessToken(ctx, &management.RemovePersonalAccessTokenRequest{UserId: p.machine, TokenId: p.token}))(t)
	ok(m.RemoveMachineKey(ctx, &management.RemoveMachineKeyRequest{UserId: p.machine, KeyId: p.key}))(t)
	ok(m.RemoveOrgMember(ctx, &management.RemoveOrgMemberRequest{UserId: p.human}))(t)
	ok(a.RemoveIAMMember(t.Context(), &admin.RemoveIAMMemberRequest{UserId: p.human}))(t)
	ok(m.RemoveOrgDomain(ctx, &management.RemoveOrgDomainRequest{Domain: "provider.example.com"}))(t)
	ok(m.RemoveProject(ctx, &management.RemoveProjectRequest{Id: p.project}))(t)
	ok(m.RemoveUser(ctx, &management.RemoveUserRequest{Id: p.human}))(t)
	ok(m.RemoveUser(ctx, &management.RemoveUserRequest{Id: p.machine}))(t)
	ok(a.RemoveOrg(t.Context(), &admin.RemoveOrgRequest{OrgId: p.org}))(t)
	_, err := a.GetOrgByID(t.Context(), &admin.GetOrgByIDRequest{Id: p.org})
	refused(t, err, codes.NotFound)
}
