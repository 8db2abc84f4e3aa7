package compat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	oidcclient "github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/profile"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/client/tokenexchange"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/app"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	oauthjwt "golang.org/x/oauth2/jwt"
)

// shop is a project with an API, an application that exchanges tokens, and a
// machine user who is granted a role.
type shop struct {
	here       context.Context
	management management.ManagementServiceClient
	projectID  string

	apiApplication, apiID, apiSecret string
	keyFile                          []byte // of another API of the project
	exchangerID, exchangerSecret     string

	robot, clientID, secret string
	robotKey                []byte
	removeKey               func()
	scopes                  []string
}

func newShop(t *testing.T, name string) *shop {
	t.Helper()
	c := asOwner(t)
	s := &shop{management: c.ManagementService()}
	s.here, s.projectID = inProject(t, c, name)
	m := s.management
	ok(m.AddProjectRole(s.here, &management.AddProjectRoleRequest{ProjectId: s.projectID, RoleKey: "buyer", DisplayName: "Buyer"}))(t)
	api := ok(m.AddAPIApp(s.here, &management.AddAPIAppRequest{ProjectId: s.projectID, Name: "API", AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_BASIC}))(t)
	s.apiApplication, s.apiID, s.apiSecret = api.GetAppId(), api.GetClientId(), api.GetClientSecret()
	byKey := ok(m.AddAPIApp(s.here, &management.AddAPIAppRequest{ProjectId: s.projectID, Name: "API by key", AuthMethodType: app.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT}))(t)
	s.keyFile = ok(m.AddAppKey(s.here, &management.AddAppKeyRequest{ProjectId: s.projectID, AppId: byKey.GetAppId(), Type: authn.KeyType_KEY_TYPE_JSON}))(t).GetKeyDetails()
	exchanger := ok(m.AddOIDCApp(s.here, &management.AddOIDCAppRequest{
		ProjectId: s.projectID, Name: "Help desk", RedirectUris: []string{"https://help.example.com/callback"},
		ResponseTypes:  []app.OIDCResponseType{app.OIDCResponseType_OIDC_RESPONSE_TYPE_CODE},
		GrantTypes:     []app.OIDCGrantType{app.OIDCGrantType_OIDC_GRANT_TYPE_AUTHORIZATION_CODE, app.OIDCGrantType_OIDC_GRANT_TYPE_TOKEN_EXCHANGE},
		AppType:        app.OIDCAppType_OIDC_APP_TYPE_WEB,
		AuthMethodType: app.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_BASIC,
	}))(t)
	s.exchangerID, s.exchangerSecret = exchanger.GetClientId(), exchanger.GetClientSecret()

	s.robot = ok(m.AddMachineUser(s.here, &management.AddMachineUserRequest{UserName: strings.ToLower(strings.ReplaceAll(name, " ", "-")), Name: "Robot"}))(t).GetUserId()
	ok(m.AddUserGrant(s.here, &management.AddUserGrantRequest{UserId: s.robot, ProjectId: s.projectID, RoleKeys: []string{"buyer"}}))(t)
	secret := ok(m.GenerateMachineSecret(s.here, &management.GenerateMachineSecretRequest{UserId: s.robot}))(t)
	s.clientID, s.secret = secret.GetClientId(), secret.GetClientSecret()
	key := ok(m.AddMachineKey(s.here, &management.AddMachineKeyRequest{UserId: s.robot, Type: authn.KeyType_KEY_TYPE_JSON}))(t)
	s.robotKey = key.GetKeyDetails()
	s.removeKey = func() {
		ok(m.RemoveMachineKey(s.here, &management.RemoveMachineKeyRequest{UserId: s.robot, KeyId: key.GetKeyId()}))(t)
	}
	s.scopes = []string{"openid", "profile", "urn:zitadel:iam:org:project:id:" + s.projectID + ":aud"}
	return s
}

// token returns an access token of the robot, got with its secret.
func (s *shop) token(t *testing.T, scopes ...string) *oauth2.Token {
	t.Helper()
	config := clientcredentials.Config{ClientID: s.clientID, ClientSecret: s.secret, TokenURL: provider(t).Endpoint().TokenURL, Scopes: append(slices.Clone(s.scopes), scopes...)}
	return ok(config.Token(t.Context()))(t)
}

// resourceServer is the API of the shop.
func (s *shop) resourceServer(t *testing.T) rs.ResourceServer {
	t.Helper()
	return ok(rs.NewResourceServerClientCredentials(t.Context(), issuer(), s.apiID, s.apiSecret))(t)
}

// active reports whether the API takes the token.
func (s *shop) active(t *testing.T, token string) bool {
	t.Helper()
	return ok(rs.Introspect[*oidc.IntrospectionResponse](t.Context(), s.resourceServer(t), token))(t).Active
}

func issuer() string { return running.url.String() }

func provider(t *testing.T) *gooidc.Provider {
	t.Helper()
	return ok(gooidc.NewProvider(t.Context(), issuer()))(t)
}

// golang.org/x/oauth2 gets tokens by a secret in either place, and by a key.
func TestGoOAuth2(t *testing.T) {
	s := newShop(t, "Compat oauth2")
	for name, style := range map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams} {
		for id, secret := range map[string]string{s.clientID: s.secret, s.apiID: s.apiSecret} {
			config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: provider(t).Endpoint().TokenURL, Scopes: s.scopes, AuthStyle: style}
			if token := ok(config.Token(t.Context()))(t); token.Type() != "Bearer" || time.Until(token.Expiry) < 11*time.Hour || !s.active(t, token.AccessToken) {
				t.Errorf("%s: the token is of type %s, until %s", name, token.Type(), token.Expiry)
			}
			config.ClientSecret += "x"
			var failed *oauth2.RetrieveError
			if _, err := config.Token(t.Context()); !errors.As(err, &failed) || failed.ErrorCode != "invalid_client" || failed.Response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: a wrong secret: %v", name, err)
			}
		}
	}
	file := struct{ KeyID, Key, UserID string }{}
	if err := json.Unmarshal(s.robotKey, &file); err != nil {
		t.Fatal(err)
	}
	config := oauthjwt.Config{
		Email: file.UserID, Subject: file.UserID, PrivateKey: []byte(file.Key), PrivateKeyID: file.KeyID,
		TokenURL: provider(t).Endpoint().TokenURL, Scopes: s.scopes,
	}
	token := ok(config.TokenSource(t.Context()).Token())(t)
	if !s.active(t, token.AccessToken) {
		t.Error("the token that was got by a key is not active")
	}
	// What the key got ends with it.
	s.removeKey()
	if s.active(t, token.AccessToken) {
		t.Error("the token is active though the key was removed")
	}
	var failed *oauth2.RetrieveError // of which this package reads no code
	if _, err := config.TokenSource(t.Context()).Token(); !errors.As(err, &failed) || failed.Response.StatusCode != http.StatusBadRequest || !strings.Contains(string(failed.Body), `"error":"invalid_grant"`) {
		t.Errorf("a removed key: %v", err)
	}
}

// go-oidc verifies ID tokens and access tokens that are JWTs by the published
// keys, and reads userinfo.
func TestGoOIDC(t *testing.T) {
	s := newShop(t, "Compat go-oidc")
	ctx, p := t.Context(), provider(t)
	token := s.token(t)
	raw, _ := token.Extra("id_token").(string)
	idToken := ok(p.Verifier(&gooidc.Config{ClientID: s.clientID}).Verify(ctx, raw))(t)
	if idToken.Subject != s.robot || idToken.Issuer != issuer() {
		t.Errorf("the ID token is %+v", idToken)
	}
	info := ok(p.UserInfo(ctx, oauth2.StaticTokenSource(token)))(t)
	var claims struct{ Name string }
	if err := info.Claims(&claims); err != nil || info.Subject != s.robot || claims.Name != "Robot" {
		t.Errorf("userinfo is %+v, %+v, %v", info, claims, err)
	}

	ok(s.management.UpdateMachine(s.here, &management.UpdateMachineRequest{UserId: s.robot, Name: "Robot", AccessTokenType: user.AccessTokenType_ACCESS_TOKEN_TYPE_JWT}))(t)
	access := s.token(t, "urn:zitadel:iam:org:project:role:buyer").AccessToken
	verified := ok(p.Verifier(&gooidc.Config{ClientID: s.projectID}).Verify(ctx, access))(t)
	var told map[string]any
	if err := verified.Claims(&told); err != nil || verified.Subject != s.robot || told["client_id"] != s.robot || told["jti"] == "" || told["scope"] == "" {
		t.Errorf("the access token tells %v, %v", told, err)
	}
	if told["urn:zitadel:iam:org:project:"+s.projectID+":roles"] == nil {
		t.Errorf("the access token tells no roles: %v", told)
	}
	if parsed := ok(jwt.ParseSigned(access, []jose.SignatureAlgorithm{jose.RS256}))(t); parsed.Headers[0].ExtraHeaders["typ"] != "at+jwt" {
		t.Errorf("the header is %v", parsed.Headers[0])
	}
	if _, err := p.Verifier(&gooidc.Config{ClientID: "another"}).Verify(ctx, access); err == nil {
		t.Error("the access token is for any audience")
	}
	if !s.active(t, access) {
		t.Error("the access token is not active")
	}
}

// zitadel/oidc introspects by a secret and by a key, with the roles that the
// user was granted.
func TestGoIntrospection(t *testing.T) {
	s := newShop(t, "Compat introspection")
	byKey := struct{ KeyID, Key, ClientID string }{}
	if err := json.Unmarshal(s.keyFile, &byKey); err != nil {
		t.Fatal(err)
	}
	token := s.token(t).AccessToken
	for name, server := range map[string]rs.ResourceServer{
		"secret": s.resourceServer(t),
		"key":    ok(rs.NewResourceServerJWTProfile(t.Context(), issuer(), byKey.ClientID, byKey.KeyID, []byte(byKey.Key)))(t),
	} {
		got := ok(rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, token))(t)
		if !got.Active || got.Subject != s.robot || got.Issuer != issuer() || !slices.Contains(got.Audience, s.projectID) || got.TokenType != "Bearer" {
			t.Errorf("%s: the answer is %+v", name, got)
		}
		roles, _ := got.Claims["urn:zitadel:iam:org:project:roles"].(map[string]any)
		if roles["buyer"] == nil {
			t.Errorf("%s: the roles are %v", name, roles)
		}
	}
	// Another project's API learns nothing of it.
	other := newShop(t, "Compat stranger")
	if other.active(t, token) {
		t.Error("an API that the token is not for may look at it")
	}
	// That an application, or the user, was deactivated counts at once.
	ok(s.management.DeactivateApp(s.here, &management.DeactivateAppRequest{ProjectId: s.projectID, AppId: s.apiApplication}))(t)
	if _, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), s.resourceServer(t), token); err == nil {
		t.Error("a deactivated application may introspect")
	}
	ok(s.management.DeactivateUser(s.here, &management.DeactivateUserRequest{Id: s.robot}))(t)
	ok(s.management.ReactivateApp(s.here, &management.ReactivateAppRequest{ProjectId: s.projectID, AppId: s.apiApplication}))(t)
	if s.active(t, token) {
		t.Error("the token of a deactivated user is active")
	}
}

// zitadel/oidc exchanges tokens: an impersonator acts for a user.
func TestGoTokenExchange(t *testing.T) {
	s := newShop(t, "Compat exchange")
	ctx := t.Context()
	exchanger := ok(tokenexchange.NewTokenExchangerClientCredentials(ctx, issuer(), s.exchangerID, s.exchangerSecret))(t)
	subject := ok(s.management.AddMachineUser(s.here, &management.AddMachineUserRequest{UserName: "compat-impersonated", Name: "Impersonated"}))(t).GetUserId()
	actor := s.token(t).AccessToken
	const userID oidc.TokenType = "urn:zitadel:params:oauth:token-type:user_id"
	impersonate := func() (*oidc.TokenExchangeResponse, error) {
		return tokenexchange.ExchangeToken(ctx, exchanger, subject, userID, actor, oidc.AccessTokenType, nil, nil, s.scopes, oidc.AccessTokenType)
	}
	if _, err := impersonate(); err == nil {
		t.Fatal("anybody may impersonate")
	}
	ok(asOwner(t).AdminService().AddIAMMember(ctx, &admin.AddIAMMemberRequest{UserId: s.robot, Roles: []string{"IAM_END_USER_IMPERSONATOR"}}))(t)
	got := ok(impersonate())(t)
	if got.IssuedTokenType != oidc.AccessTokenType || got.TokenType != "Bearer" {
		t.Errorf("the answer is %+v", got)
	}
	seen := ok(rs.Introspect[*oidc.IntrospectionResponse](ctx, s.resourceServer(t), got.AccessToken))(t)
	if !seen.Active || seen.Subject != subject || seen.Actor == nil || seen.Actor.Subject != s.robot || seen.ClientID != s.exchangerID {
		t.Errorf("the token is %+v, the actor %+v", seen, seen.Actor)
	}
	// Of itself, a client gets no more than the token has.
	swapped := ok(tokenexchange.ExchangeToken(ctx, exchanger, actor, oidc.AccessTokenType, "", "", nil, nil, s.scopes[:2], oidc.JWTTokenType))(t)
	if swapped.IssuedTokenType != oidc.JWTTokenType || strings.Count(swapped.AccessToken, ".") != 2 {
		t.Errorf("the answer is %+v", swapped)
	}
	if _, err := tokenexchange.ExchangeToken(ctx, exchanger, actor, oidc.AccessTokenType, "", "", nil, nil, []string{client.ScopeZitadelAPI()}, ""); err == nil {
		t.Error("a client gets more than the token has")
	}
}

// revoker is what zitadel/oidc revokes with.
type revoker struct{ endpoint string }

func (r revoker) GetRevokeEndpoint() string { return r.endpoint }
func (revoker) HttpClient() *http.Client    { return http.DefaultClient }

// zitadel/oidc gets tokens by the key file, and takes them back.
func TestGoRevocation(t *testing.T) {
	s := newShop(t, "Compat revocation")
	ctx := t.Context()
	source := ok(profile.NewJWTProfileTokenSourceFromKeyFileData(ctx, issuer(), s.robotKey, s.scopes))(t)
	byKey, bySecret := ok(source.TokenCtx(ctx))(t).AccessToken, s.token(t).AccessToken
	discovered := ok(oidcclient.Discover(ctx, issuer(), http.DefaultClient))(t)
	revoke := func(token string) error {
		return oidcclient.CallRevokeEndpoint(ctx, oidcclient.RevokeRequest{Token: token, TokenTypeHint: "access_token", ClientID: s.clientID, ClientSecret: s.secret}, nil, revoker{discovered.RevocationEndpoint})
	}
	for _, token := range []string{byKey, bySecret} {
		if !s.active(t, token) {
			t.Error("the token is not active")
		}
		for range 2 {
			if err := revoke(token); err != nil {
				t.Error(err)
			}
			if s.active(t, token) {
				t.Error("a revoked token is active")
			}
		}
	}
}
