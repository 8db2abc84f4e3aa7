package management_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// newOIDCApp adds an OpenID Connect client that has a secret, and returns its id.
func newOIDCApp(t *testing.T, c *servertest.Caller, project, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddOIDCApp(t.Context(), &managementv1.AddOIDCAppRequest{
		ProjectId: project, Name: name, RedirectUris: []string{"https://app.example.com/callback"},
	}))(t).GetAppId()
}

// wholeOIDCApp sets every field.
func wholeOIDCApp(project, name string) *managementv1.AddOIDCAppRequest {
	return &managementv1.AddOIDCAppRequest{
		ProjectId: project, Name: name,
		RedirectUris:             []string{"https://app.example.com/callback?a=b", "https://app.example.com/other", "https://b.example.com:8443/"},
		ResponseTypes:            []appv1.OIDCResponseType{appv1.OIDCResponseType_OIDC_RESPONSE_TYPE_ID_TOKEN_TOKEN, appv1.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE},
		GrantTypes:               []appv1.OIDCGrantType{appv1.OIDCGrantType_OIDC_GRANT_TYPE_REFRESH_TOKEN, appv1.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE, appv1.OIDCGrantType_OIDC_GRANT_TYPE_IMPLICIT},
		AppType:                  appv1.OIDCAppType_OIDC_APP_TYPE_USER_AGENT,
		AuthMethodType:           appv1.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_POST,
		PostLogoutRedirectUris:   []string{"https://app.example.com/bye"},
		AccessTokenType:          appv1.OIDCTokenType_OIDC_TOKEN_TYPE_JWT,
		AccessTokenRoleAssertion: true, IdTokenRoleAssertion: true, IdTokenUserinfoAssertion: true,
		ClockSkew:                durationpb.New(1500 * time.Millisecond),
		AdditionalOrigins:        []string{"https://c.example.com", "capacitor://localhost"},
		SkipNativeAppSuccessPage: true,
		BackChannelLogoutUri:     "https://app.example.com/logout",
		LoginVersion:             &appv1.LoginVersion{Version: &appv1.LoginVersion_LoginV2{LoginV2: &appv1.LoginV2{BaseUri: proto.String("https://login.example.com/x")}}},
	}
}

// echo is what is read of a client that was added.
func echo(r *managementv1.AddOIDCAppRequest, added *managementv1.AddOIDCAppResponse, origins ...string) *appv1.OIDCConfig {
	return &appv1.OIDCConfig{
		RedirectUris: r.RedirectUris, ResponseTypes: r.ResponseTypes, GrantTypes: r.GrantTypes, AppType: r.AppType,
		ClientId: added.ClientId, AuthMethodType: r.AuthMethodType, PostLogoutRedirectUris: r.PostLogoutRedirectUris, Version: r.Version,
		NoneCompliant: added.NoneCompliant, ComplianceProblems: added.ComplianceProblems, DevMode: r.DevMode, AccessTokenType: r.AccessTokenType,
		AccessTokenRoleAssertion: r.AccessTokenRoleAssertion, IdTokenRoleAssertion: r.IdTokenRoleAssertion, IdTokenUserinfoAssertion: r.IdTokenUserinfoAssertion,
		ClockSkew: r.ClockSkew, AdditionalOrigins: r.AdditionalOrigins, AllowedOrigins: origins, SkipNativeAppSuccessPage: r.SkipNativeAppSuccessPage,
		BackChannelLogoutUri: r.BackChannelLogoutUri, LoginVersion: r.LoginVersion,
	}
}

// Every field is read as it was sent.
func TestAddOIDCApp(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id, changes := newProject(t, i.Owner, "Shop"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 2
			request := wholeOIDCApp(id, c.Name("App"))
			got := servertest.OK(c.Management.AddOIDCApp(t.Context(), request))(t)
			if len(got.GetAppId()) != 18 || len(got.GetClientId()) != 18 || !strings.HasPrefix(got.GetClientSecret(), "bastide_app_") {
				t.Errorf("the application has the ids %q, %q and a secret of %d characters", got.GetAppId(), got.GetClientId(), len(got.GetClientSecret()))
			}
			if !got.GetNoneCompliant() || len(got.GetComplianceProblems()) != 2 || got.GetComplianceProblems()[0].GetKey() != "oidc.implicit_grant" {
				t.Errorf("the problems are %v", got.GetComplianceProblems())
			}
			s.Equal(t, getApp(t, c, id, got.GetAppId()), &appv1.App{
				Id: got.GetAppId(), Details: details(changes, i.OrganizationID), State: appv1.AppState_APP_STATE_ACTIVE, Name: c.Name("App"),
				Config: &appv1.App_OidcConfig{OidcConfig: echo(request, got,
					"https://c.example.com", "capacitor://localhost", "https://app.example.com", "https://b.example.com:8443")},
			})
			_, err := c.Management.AddOIDCApp(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "application.name_taken")
		})
	})
}

// What is left out has the defaults of the contract.
func TestOIDCAppDefaults(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		for name, login := range map[string]*appv1.LoginVersion{
			"none": nil,
			"1":    {Version: &appv1.LoginVersion_LoginV1{LoginV1: &appv1.LoginV1{}}},
			"2":    {Version: &appv1.LoginVersion_LoginV2{LoginV2: &appv1.LoginV2{}}},
		} {
			request := &managementv1.AddOIDCAppRequest{ProjectId: id, Name: name, LoginVersion: login, AuthMethodType: appv1.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_NONE}
			got := servertest.OK(i.Owner.Management.AddOIDCApp(t.Context(), request))(t)
			if got.GetClientSecret() != "" || secretHash(t, s, got.GetAppId()) != "" {
				t.Error("a client that authenticates with nothing has a secret")
			}
			if problems := got.GetComplianceProblems(); len(problems) != 1 || problems[0].GetKey() != "oidc.redirect_uris_missing" || problems[0].GetLocalizedMessage() == "" {
				t.Errorf("the problems are %v", problems)
			}
			want := proto.Clone(request).(*managementv1.AddOIDCAppRequest)
			want.ResponseTypes = []appv1.OIDCResponseType{appv1.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE}
			want.GrantTypes = []appv1.OIDCGrantType{appv1.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE}
			want.ClockSkew = durationpb.New(0)
			s.Equal(t, getApp(t, i.Owner, id, got.GetAppId()).GetOidcConfig(), echo(want, got))
		}
	})
}

func TestUpdateOIDCAppConfig(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			whole := wholeOIDCApp(id, c.Name("App"))
			added := servertest.OK(c.Management.AddOIDCApp(t.Context(), whole))(t)
			changes := added.GetDetails().GetSequence()
			same := &managementv1.UpdateOIDCAppConfigRequest{
				ProjectId: id, AppId: added.GetAppId(), RedirectUris: whole.RedirectUris, ResponseTypes: whole.ResponseTypes, GrantTypes: whole.GrantTypes,
				AppType: whole.AppType, AuthMethodType: whole.AuthMethodType, PostLogoutRedirectUris: whole.PostLogoutRedirectUris,
				AccessTokenType: whole.AccessTokenType, AccessTokenRoleAssertion: true, IdTokenRoleAssertion: true, IdTokenUserinfoAssertion: true,
				ClockSkew: whole.ClockSkew, AdditionalOrigins: whole.AdditionalOrigins, SkipNativeAppSuccessPage: true,
				BackChannelLogoutUri: whole.BackChannelLogoutUri, LoginVersion: whole.LoginVersion,
			}
			_, err := c.Management.UpdateOIDCAppConfig(t.Context(), same)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")

			hash := secretHash(t, s, added.GetAppId())
			renewed := servertest.OK(c.Management.RegenerateOIDCClientSecret(t.Context(), &managementv1.RegenerateOIDCClientSecretRequest{ProjectId: id, AppId: added.GetAppId()}))(t)
			s.Equal(t, renewed, &managementv1.RegenerateOIDCClientSecretResponse{ClientSecret: renewed.GetClientSecret(), Details: details(changes+1, i.OrganizationID)})
			if renewed.GetClientSecret() == added.GetClientSecret() || secretHash(t, s, added.GetAppId()) == hash {
				t.Error("the secret has not changed")
			}

			update := &managementv1.UpdateOIDCAppConfigRequest{
				ProjectId: id, AppId: added.GetAppId(), RedirectUris: []string{"com.example.app:/callback"}, DevMode: true,
				AppType: appv1.OIDCAppType_OIDC_APP_TYPE_NATIVE, AuthMethodType: appv1.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_NONE,
			}
			got := servertest.OK(c.Management.UpdateOIDCAppConfig(t.Context(), update))(t)
			s.Equal(t, got, &managementv1.UpdateOIDCAppConfigResponse{Details: details(changes+2, i.OrganizationID)})
			s.Equal(t, getApp(t, c, id, added.GetAppId()).GetOidcConfig(), &appv1.OIDCConfig{
				RedirectUris: update.RedirectUris, ResponseTypes: []appv1.OIDCResponseType{0}, GrantTypes: []appv1.OIDCGrantType{0}, ClientId: added.GetClientId(),
				AppType: update.AppType, AuthMethodType: update.AuthMethodType, DevMode: true, ClockSkew: durationpb.New(0),
			})
			_, err = c.Management.RegenerateOIDCClientSecret(t.Context(), &managementv1.RegenerateOIDCClientSecretRequest{ProjectId: id, AppId: added.GetAppId()})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "application.no_secret")
			if secretHash(t, s, added.GetAppId()) != "" {
				t.Error("the secret is still there")
			}
		})
	})
}

// The errors name what is wrong.
func TestOIDCAppURIs(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		app := newOIDCApp(t, i.Owner, id, "App")
		for name, test := range map[string]struct {
			change func(*managementv1.UpdateOIDCAppConfigRequest)
			id     string
			field  string
		}{
			"redirect": {func(r *managementv1.UpdateOIDCAppConfigRequest) {
				r.RedirectUris = []string{"https://a.example/", "/callback"}
			}, "application.redirect_uri", "redirect_uris[1]"},
			"post logout": {func(r *managementv1.UpdateOIDCAppConfigRequest) {
				r.PostLogoutRedirectUris = []string{"https://a.example/#x"}
			}, "application.redirect_uri", "post_logout_redirect_uris[0]"},
			"origin": {func(r *managementv1.UpdateOIDCAppConfigRequest) {
				r.AdditionalOrigins = []string{"https://a.example/path"}
			}, "application.origin", "additional_origins[0]"},
			"logout": {func(r *managementv1.UpdateOIDCAppConfigRequest) { r.BackChannelLogoutUri = "http://a.example/" }, "application.logout_uri", "back_channel_logout_uri"},
			"login": {func(r *managementv1.UpdateOIDCAppConfigRequest) {
				r.LoginVersion = &appv1.LoginVersion{Version: &appv1.LoginVersion_LoginV2{LoginV2: &appv1.LoginV2{BaseUri: proto.String("login")}}}
			}, "application.login_uri", "login_version.login_v2.base_uri"},
			"clock skew": {func(r *managementv1.UpdateOIDCAppConfigRequest) { r.ClockSkew = durationpb.New(6 * time.Second) }, "request.invalid", "clock_skew"},
		} {
			request := &managementv1.UpdateOIDCAppConfigRequest{ProjectId: id, AppId: app}
			test.change(request)
			_, err := i.Owner.Management.UpdateOIDCAppConfig(t.Context(), request)
			servertest.Refused(t, err, connect.CodeInvalidArgument, test.id)
			var failed *connect.Error
			if errors.As(err, &failed) && !strings.HasPrefix(failed.Message(), test.field+": ") {
				t.Errorf("%s: the error is %q", name, failed.Message())
			}
		}
	})
}
