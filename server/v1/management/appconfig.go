package management

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bastide-id/bastide/ent"
	entapplication "github.com/bastide-id/bastide/ent/application"
	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// UpdateOIDCAppConfig replaces the configuration of an OpenID Connect client.
func (s Applications) UpdateOIDCAppConfig(ctx context.Context, req *managementv1.UpdateOIDCAppConfigRequest) (*managementv1.UpdateOIDCAppConfigResponse, error) {
	_, config, err := oidcConfig(req, int32(appv1.OIDCVersion_OIDC_VERSION_1_0))
	if err != nil {
		return nil, err
	}
	details, err := s.configure(ctx, req, config)
	return &managementv1.UpdateOIDCAppConfigResponse{Details: details}, err
}

// UpdateAPIAppConfig replaces the configuration of an API.
func (s Applications) UpdateAPIAppConfig(ctx context.Context, req *managementv1.UpdateAPIAppConfigRequest) (*managementv1.UpdateAPIAppConfigResponse, error) {
	details, err := s.configure(ctx, req, application.API(int32(req.GetAuthMethodType())))
	return &managementv1.UpdateAPIAppConfigResponse{Details: details}, err
}

// RegenerateOIDCClientSecret gives an OpenID Connect client a new secret.
func (s Applications) RegenerateOIDCClientSecret(ctx context.Context, req *managementv1.RegenerateOIDCClientSecretRequest) (*managementv1.RegenerateOIDCClientSecretResponse, error) {
	secret, details, err := s.regenerate(ctx, req, entapplication.KindOidc)
	if err != nil {
		return nil, err
	}
	return &managementv1.RegenerateOIDCClientSecretResponse{ClientSecret: secret, Details: details}, nil
}

// RegenerateAPIClientSecret gives an API a new secret.
func (s Applications) RegenerateAPIClientSecret(ctx context.Context, req *managementv1.RegenerateAPIClientSecretRequest) (*managementv1.RegenerateAPIClientSecretResponse, error) {
	secret, details, err := s.regenerate(ctx, req, entapplication.KindAPI)
	if err != nil {
		return nil, err
	}
	return &managementv1.RegenerateAPIClientSecretResponse{ClientSecret: secret, Details: details}, nil
}

func (s Applications) configure(ctx context.Context, req namesApp, config application.Config) (*zitadelv1.ObjectDetails, error) {
	return s.change(ctx, req, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
		return application.Configure(ctx, tx, in, row, config)
	})
}

func (s Applications) regenerate(ctx context.Context, req namesApp, kind entapplication.Kind) (string, *zitadelv1.ObjectDetails, error) {
	secret := application.NewSecret()
	details, err := s.change(ctx, req, func(ctx context.Context, tx *store.Tx, in *ent.Project, row *ent.Application) (store.Change, error) {
		return application.SetSecret(ctx, tx, in, row, kind, secret)
	})
	return secret, details, err
}

// oidcRequest is what the requests that configure an OpenID Connect client have
// in common.
type oidcRequest interface {
	GetRedirectUris() []string
	GetResponseTypes() []appv1.OIDCResponseType
	GetGrantTypes() []appv1.OIDCGrantType
	GetAppType() appv1.OIDCAppType
	GetAuthMethodType() appv1.OIDCAuthMethodType
	GetPostLogoutRedirectUris() []string
	GetDevMode() bool
	GetAccessTokenType() appv1.OIDCTokenType
	GetAccessTokenRoleAssertion() bool
	GetIdTokenRoleAssertion() bool
	GetIdTokenUserinfoAssertion() bool
	GetClockSkew() *durationpb.Duration
	GetAdditionalOrigins() []string
	GetSkipNativeAppSuccessPage() bool
	GetBackChannelLogoutUri() string
	GetLoginVersion() *appv1.LoginVersion
}

// oidcConfig returns the configuration of a request, and how it is stored.
func oidcConfig(req oidcRequest, version int32) (application.OIDC, application.Config, error) {
	c := application.OIDC{
		AuthMethod:               int32(req.GetAuthMethodType()),
		RedirectURIs:             req.GetRedirectUris(),
		ResponseTypes:            numbers(req.GetResponseTypes()),
		GrantTypes:               numbers(req.GetGrantTypes()),
		AppType:                  int32(req.GetAppType()),
		PostLogoutRedirectURIs:   req.GetPostLogoutRedirectUris(),
		Version:                  version,
		DevMode:                  req.GetDevMode(),
		AccessTokenType:          int32(req.GetAccessTokenType()),
		AccessTokenRoleAssertion: req.GetAccessTokenRoleAssertion(),
		IDTokenRoleAssertion:     req.GetIdTokenRoleAssertion(),
		IDTokenUserinfoAssertion: req.GetIdTokenUserinfoAssertion(),
		ClockSkew:                req.GetClockSkew().AsDuration(),
		AdditionalOrigins:        req.GetAdditionalOrigins(),
		SkipNativeSuccessPage:    req.GetSkipNativeAppSuccessPage(),
		BackChannelLogoutURI:     req.GetBackChannelLogoutUri(),
		Login:                    loginOf(req.GetLoginVersion()),
	}.Normal()
	if err := c.CheckURIs(); err != nil {
		return c, application.Config{}, err
	}
	config, err := c.Config()
	return c, config, err
}

func loginOf(v *appv1.LoginVersion) *application.Login {
	switch v := v.GetVersion().(type) {
	case *appv1.LoginVersion_LoginV1:
		return &application.Login{Version: 1}
	case *appv1.LoginVersion_LoginV2:
		return &application.Login{Version: 2, BaseURI: v.LoginV2.BaseUri}
	}
	return nil
}

var appStates = map[entapplication.State]appv1.AppState{
	entapplication.StateActive:   appv1.AppState_APP_STATE_ACTIVE,
	entapplication.StateInactive: appv1.AppState_APP_STATE_INACTIVE,
}

func appToProto(row *ent.Application, owner string) (*appv1.App, error) {
	app := &appv1.App{
		Id:      row.ApplicationID,
		Details: message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, owner),
		State:   appStates[row.State],
		Name:    row.Name,
	}
	if row.Kind == entapplication.KindAPI {
		app.Config = &appv1.App_ApiConfig{ApiConfig: &appv1.APIConfig{
			ClientId: row.ClientID, AuthMethodType: appv1.APIAuthMethodType(row.AuthMethod),
		}}
		return app, nil
	}
	c, err := application.ReadOIDC(row)
	app.Config = &appv1.App_OidcConfig{OidcConfig: oidcToProto(c, row.ClientID)}
	return app, err
}

func oidcToProto(c application.OIDC, clientID string) *appv1.OIDCConfig {
	problems := problemsToProto(c)
	return &appv1.OIDCConfig{
		RedirectUris:             c.RedirectURIs,
		ResponseTypes:            enums[appv1.OIDCResponseType](c.ResponseTypes),
		GrantTypes:               enums[appv1.OIDCGrantType](c.GrantTypes),
		AppType:                  appv1.OIDCAppType(c.AppType),
		ClientId:                 clientID,
		AuthMethodType:           appv1.OIDCAuthMethodType(c.AuthMethod),
		PostLogoutRedirectUris:   c.PostLogoutRedirectURIs,
		Version:                  appv1.OIDCVersion(c.Version),
		NoneCompliant:            len(problems) > 0,
		ComplianceProblems:       problems,
		DevMode:                  c.DevMode,
		AccessTokenType:          appv1.OIDCTokenType(c.AccessTokenType),
		AccessTokenRoleAssertion: c.AccessTokenRoleAssertion,
		IdTokenRoleAssertion:     c.IDTokenRoleAssertion,
		IdTokenUserinfoAssertion: c.IDTokenUserinfoAssertion,
		ClockSkew:                durationpb.New(c.ClockSkew),
		AdditionalOrigins:        c.AdditionalOrigins,
		AllowedOrigins:           c.AllowedOrigins(),
		SkipNativeAppSuccessPage: c.SkipNativeSuccessPage,
		BackChannelLogoutUri:     c.BackChannelLogoutURI,
		LoginVersion:             loginToProto(c.Login),
	}
}

func loginToProto(l *application.Login) *appv1.LoginVersion {
	switch {
	case l == nil:
		return nil
	case l.Version == 1:
		return &appv1.LoginVersion{Version: &appv1.LoginVersion_LoginV1{LoginV1: &appv1.LoginV1{}}}
	default:
		return &appv1.LoginVersion{Version: &appv1.LoginVersion_LoginV2{LoginV2: &appv1.LoginV2{BaseUri: l.BaseURI}}}
	}
}

func problemsToProto(c application.OIDC) []*zitadelv1.LocalizedMessage {
	return message.Each(c.Problems(), func(p application.Problem) *zitadelv1.LocalizedMessage {
		return &zitadelv1.LocalizedMessage{Key: p.Key, LocalizedMessage: p.Text}
	})
}

func numbers[E ~int32](values []E) []int32 {
	return message.Each(values, func(v E) int32 { return int32(v) })
}

func enums[E ~int32](values []int32) []E {
	return message.Each(values, func(v int32) E { return E(v) })
}
