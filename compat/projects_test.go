package compat

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/app"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/auth"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/project"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// inProject returns a project in an organization of its own, and the context
// to work on it.
func inProject(t *testing.T, c *client.Client, name string) (ctx context.Context, projectID string) {
	t.Helper()
	ctx = in(t.Context(), newOrganization(t, c, name))
	return ctx, ok(c.ManagementService().AddProject(ctx, &management.AddProjectRequest{Name: "Shop"}))(t).GetId()
}

func TestGoProjects(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Compat projects")
	m := c.ManagementService()
	ok(m.UpdateProject(here, &management.UpdateProjectRequest{
		Id: id, Name: "Shop 2", ProjectRoleAssertion: true,
		PrivateLabelingSetting: project.PrivateLabelingSetting_PRIVATE_LABELING_SETTING_ENFORCE_PROJECT_RESOURCE_OWNER_POLICY,
	}))(t)
	got := ok(m.GetProjectByID(here, &management.GetProjectByIDRequest{Id: id}))(t).GetProject()
	if got.GetName() != "Shop 2" || !got.GetProjectRoleAssertion() || got.GetState() != project.ProjectState_PROJECT_STATE_ACTIVE ||
		got.GetPrivateLabelingSetting() != project.PrivateLabelingSetting_PRIVATE_LABELING_SETTING_ENFORCE_PROJECT_RESOURCE_OWNER_POLICY {
		t.Errorf("got %v", got)
	}
	listed := ok(m.ListProjects(here, &management.ListProjectsRequest{Queries: []*project.ProjectQuery{{Query: &project.ProjectQuery_NameQuery{
		NameQuery: &project.ProjectNameQuery{Name: "shop", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE},
	}}}}))(t)
	if listed.GetDetails().GetTotalResult() != 1 || listed.GetResult()[0].GetId() != id {
		t.Errorf("listed: %v", listed)
	}
	ok(m.DeactivateProject(here, &management.DeactivateProjectRequest{Id: id}))(t)
	_, err := m.DeactivateProject(here, &management.DeactivateProjectRequest{Id: id})
	refused(t, err, codes.FailedPrecondition)
	ok(m.ReactivateProject(here, &management.ReactivateProjectRequest{Id: id}))(t)
	ok(m.RemoveProject(here, &management.RemoveProjectRequest{Id: id}))(t)
	_, err = m.GetProjectByID(here, &management.GetProjectByIDRequest{Id: id})
	refused(t, err, codes.NotFound)
}

func TestGoProjectRoles(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Compat roles")
	m := c.ManagementService()
	ok(m.AddProjectRole(here, &management.AddProjectRoleRequest{ProjectId: id, RoleKey: "buyer", DisplayName: "Buyer", Group: "people"}))(t)
	_, err := m.AddProjectRole(here, &management.AddProjectRoleRequest{ProjectId: id, RoleKey: "buyer", DisplayName: "Another"})
	refused(t, err, codes.AlreadyExists)
	ok(m.BulkAddProjectRoles(here, &management.BulkAddProjectRolesRequest{ProjectId: id, Roles: []*management.BulkAddProjectRolesRequest_Role{
		{Key: "a/b", DisplayName: "x"}, {Key: "seller", DisplayName: "Seller"},
	}}))(t)
	ok(m.UpdateProjectRole(here, &management.UpdateProjectRoleRequest{ProjectId: id, RoleKey: "a/b", DisplayName: "y"}))(t)
	if got := ok(m.ListProjectRoles(here, &management.ListProjectRolesRequest{ProjectId: id}))(t).GetDetails().GetTotalResult(); got != 3 {
		t.Errorf("%d roles", got)
	}
	// What is in a key is no pattern and no path.
	found := ok(m.ListProjectRoles(here, &management.ListProjectRolesRequest{ProjectId: id, Queries: []*project.RoleQuery{{Query: &project.RoleQuery_KeyQuery{
		KeyQuery: &project.RoleKeyQuery{Key: "a/b", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS},
	}}}}))(t).GetResult()
	if len(found) != 1 || found[0].GetDisplayName() != "y" {
		t.Errorf("found %v", found)
	}
	ok(m.RemoveProjectRole(here, &management.RemoveProjectRoleRequest{ProjectId: id, RoleKey: "a/b"}))(t)
	_, err = m.RemoveProjectRole(here, &management.RemoveProjectRoleRequest{ProjectId: id, RoleKey: "a/b"})
	refused(t, err, codes.NotFound)
}

func TestGoUserGrants(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	here, id := inProject(t, c, "Compat grants")
	m := c.ManagementService()
	ok(m.BulkAddProjectRoles(here, &management.BulkAddProjectRolesRequest{ProjectId: id, Roles: []*management.BulkAddProjectRolesRequest_Role{
		{Key: "buyer", DisplayName: "Buyer"}, {Key: "seller", DisplayName: "Seller"},
	}}))(t)
	buyer := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: "compat-buyer", Name: "Buyer"}))(t).GetUserId()
	add := &management.AddUserGrantRequest{UserId: buyer, ProjectId: id, RoleKeys: []string{"buyer"}}
	grant := ok(m.AddUserGrant(here, add))(t).GetUserGrantId()
	_, err := m.AddUserGrant(here, add)
	refused(t, err, codes.AlreadyExists)
	ok(m.UpdateUserGrant(here, &management.UpdateUserGrantRequest{UserId: buyer, GrantId: grant, RoleKeys: []string{"buyer", "seller"}}))(t)
	listed := ok(m.ListUserGrants(here, &management.ListUserGrantRequest{Queries: []*user.UserGrantQuery{
		{Query: &user.UserGrantQuery_ProjectIdQuery{ProjectIdQuery: &user.UserGrantProjectIDQuery{ProjectId: id}}},
		{Query: &user.UserGrantQuery_UserIdQuery{UserIdQuery: &user.UserGrantUserIDQuery{UserId: buyer}}},
	}}))(t).GetResult()
	if len(listed) != 1 || listed[0].GetProjectName() != "Shop" || listed[0].GetUserName() != "compat-buyer" || !slices.Equal(listed[0].GetRoleKeys(), []string{"buyer", "seller"}) {
		t.Errorf("grants: %v", listed)
	}

	// The user sees what it was granted.
	token := ok(m.AddPersonalAccessToken(here, &management.AddPersonalAccessTokenRequest{UserId: buyer}))(t).GetToken()
	self := connect(t, "localhost", client.PAT(token)).AuthService()
	if got := ok(self.ListMyUserGrants(ctx, &auth.ListMyUserGrantsRequest{}))(t).GetResult(); len(got) != 1 || got[0].GetProjectId() != id {
		t.Errorf("my grants: %v", got)
	}
	ok(m.DeactivateUserGrant(here, &management.DeactivateUserGrantRequest{UserId: buyer, GrantId: grant}))(t)
	ok(m.ReactivateUserGrant(here, &management.ReactivateUserGrantRequest{UserId: buyer, GrantId: grant}))(t)
	ok(m.RemoveUserGrant(here, &management.RemoveUserGrantRequest{UserId: buyer, GrantId: grant}))(t)
	_, err = m.GetUserGrantByID(here, &management.GetUserGrantByIDRequest{UserId: buyer, GrantId: grant})
	refused(t, err, codes.NotFound)
}

// webApp makes an application of a project, for people at a web site.
func webApp(ctx context.Context, t *testing.T, m management.ManagementServiceClient, projectID string) *management.AddOIDCAppResponse {
	t.Helper()
	made := ok(m.AddOIDCApp(ctx, &management.AddOIDCAppRequest{
		ProjectId: projectID, Name: "Web", RedirectUris: []string{"https://shop.example.com/callback"},
		ResponseTypes:  []app.OIDCResponseType{app.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE},
		GrantTypes:     []app.OIDCGrantType{app.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE},
		AppType:        app.OIDCAppType_OIDC_APP_TYPE_WEB,
		AuthMethodType: app.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_BASIC,
	}))(t)
	if made.GetClientId() == "" || made.GetClientSecret() == "" {
		t.Error("the application has no credentials")
	}
	return made
}

// Whatever is set of an OpenID Connect application is read back.
func TestGoOIDCConfig(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Compat web")
	m := c.ManagementService()
	made := webApp(here, t, m, id)
	want := &app.OIDCConfig{
		ClientId:                 made.GetClientId(),
		RedirectUris:             []string{"com.example.shop://callback", "https://shop.example.com/callback"},
		ResponseTypes:            []app.OIDCResponseType{app.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE},
		GrantTypes:               []app.OIDCGrantType{app.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE, app.OIDCGrantType_OIDC_GRANT_TYPE_REFRESH_TOKEN},
		AppType:                  app.OIDCAppType_OIDC_APP_TYPE_NATIVE,
		AuthMethodType:           app.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_NONE,
		PostLogoutRedirectUris:   []string{"https://shop.example.com/out"},
		DevMode:                  true,
		AccessTokenType:          app.OIDCTokenType_OIDC_TOKEN_TYPE_JWT,
		AccessTokenRoleAssertion: true,
		IdTokenRoleAssertion:     true,
		IdTokenUserinfoAssertion: true,
		ClockSkew:                durationpb.New(1500 * time.Millisecond),
		AdditionalOrigins:        []string{"https://other.example.com"},
		SkipNativeAppSuccessPage: true,
		BackChannelLogoutUri:     "https://shop.example.com/logout",
		LoginVersion:             &app.LoginVersion{Version: &app.LoginVersion_LoginV1{LoginV1: &app.LoginV1{}}},
	}
	update := &management.UpdateOIDCAppConfigRequest{
		ProjectId: id, AppId: made.GetAppId(), RedirectUris: want.RedirectUris, ResponseTypes: want.ResponseTypes, GrantTypes: want.GrantTypes,
		AppType: want.AppType, AuthMethodType: want.AuthMethodType, PostLogoutRedirectUris: want.PostLogoutRedirectUris, DevMode: want.DevMode,
		AccessTokenType: want.AccessTokenType, AccessTokenRoleAssertion: true, IdTokenRoleAssertion: true, IdTokenUserinfoAssertion: true,
		ClockSkew: want.ClockSkew, AdditionalOrigins: want.AdditionalOrigins, SkipNativeAppSuccessPage: true,
		BackChannelLogoutUri: want.BackChannelLogoutUri, LoginVersion: want.LoginVersion,
	}
	ok(m.UpdateOIDCAppConfig(here, update))(t)
	got := ok(m.GetAppByID(here, &management.GetAppByIDRequest{ProjectId: id, AppId: made.GetAppId()}))(t).GetApp().GetOidcConfig()
	// What the server derives from the rest.
	want.AllowedOrigins, want.NoneCompliant, want.ComplianceProblems = got.GetAllowedOrigins(), got.GetNoneCompliant(), got.GetComplianceProblems()
	if !proto.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	_, err := m.UpdateOIDCAppConfig(here, update)
	refused(t, err, codes.FailedPrecondition) // nothing changed
}

func TestGoOIDCApps(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Compat web life")
	m := c.ManagementService()
	made := webApp(here, t, m, id)
	ok(m.UpdateApp(here, &management.UpdateAppRequest{ProjectId: id, AppId: made.GetAppId(), Name: "Web 2"}))(t)
	ok(m.DeactivateApp(here, &management.DeactivateAppRequest{ProjectId: id, AppId: made.GetAppId()}))(t)
	ok(m.ReactivateApp(here, &management.ReactivateAppRequest{ProjectId: id, AppId: made.GetAppId()}))(t)
	secret := ok(m.RegenerateOIDCClientSecret(here, &management.RegenerateOIDCClientSecretRequest{ProjectId: id, AppId: made.GetAppId()}))(t).GetClientSecret()
	if secret == "" || secret == made.GetClientSecret() {
		t.Errorf("the new secret is %q", secret)
	}
	ok(m.RemoveApp(here, &management.RemoveAppRequest{ProjectId: id, AppId: made.GetAppId()}))(t)
	_, err := m.GetAppByID(here, &management.GetAppByIDRequest{ProjectId: id, AppId: made.GetAppId()})
	refused(t, err, codes.NotFound)
}

func TestGoAPIApps(t *testing.T) {
	c := asOwner(t)
	here, id := inProject(t, c, "Compat API")
	m := c.ManagementService()
	made := ok(m.AddAPIApp(here, &management.AddAPIAppRequest{ProjectId: id, Name: "API", AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_BASIC}))(t)
	if made.GetClientId() == "" || made.GetClientSecret() == "" {
		t.Error("the application has no credentials")
	}
	ok(m.UpdateAPIAppConfig(here, &management.UpdateAPIAppConfigRequest{ProjectId: id, AppId: made.GetAppId(), AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT}))(t)
	got := ok(m.GetAppByID(here, &management.GetAppByIDRequest{ProjectId: id, AppId: made.GetAppId()}))(t).GetApp().GetApiConfig()
	if got.GetClientId() != made.GetClientId() || got.GetAuthMethodType() != app.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT {
		t.Errorf("got %v", got)
	}
	key := ok(m.AddAppKey(here, &management.AddAppKeyRequest{ProjectId: id, AppId: made.GetAppId(), Type: authn.KeyType_KEY_TYPE_JSON}))(t)
	var file struct{ Type, KeyID, Key, AppID, ClientID string }
	if err := json.Unmarshal(key.GetKeyDetails(), &file); err != nil {
		t.Fatal(err)
	}
	if file.Type != "application" || file.KeyID != key.GetId() || file.AppID != made.GetAppId() || file.ClientID != made.GetClientId() || file.Key == "" {
		t.Errorf("the key file is of %s %s %s", file.Type, file.AppID, file.ClientID)
	}
	ok(client.ConfigFromKeyFileData(key.GetKeyDetails()))(t)
	keys := ok(m.ListAppKeys(here, &management.ListAppKeysRequest{ProjectId: id, AppId: made.GetAppId()}))(t).GetResult()
	if len(keys) != 1 || keys[0].GetId() != key.GetId() || keys[0].GetType() != authn.KeyType_KEY_TYPE_JSON {
		t.Errorf("keys: %v", keys)
	}
	ok(m.RemoveAppKey(here, &management.RemoveAppKeyRequest{ProjectId: id, AppId: made.GetAppId(), KeyId: key.GetId()}))(t)
	apps := ok(m.ListApps(here, &management.ListAppsRequest{ProjectId: id, Queries: []*app.AppQuery{{Query: &app.AppQuery_NameQuery{
		NameQuery: &app.AppNameQuery{Name: "api", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE},
	}}}}))(t)
	if apps.GetDetails().GetTotalResult() != 1 {
		t.Errorf("applications: %v", apps)
	}
}
