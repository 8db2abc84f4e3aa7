package application

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/store"
)

// What a client asks the authorization endpoint for, by the numbers of the
// contract.
const (
	ResponseCode int32 = iota
	ResponseIDToken
	ResponseIDTokenToken
)

// How a client gets its tokens, by the numbers of the contract.
const (
	GrantAuthorizationCode int32 = iota
	GrantImplicit
	GrantRefreshToken
	GrantDeviceCode
	GrantTokenExchange
)

// Where a client runs, by the numbers of the contract.
const (
	Web int32 = iota
	UserAgent
	Native
)

// How an OpenID Connect client authenticates, by the numbers of the contract.
const (
	OIDCBasic int32 = iota
	OIDCPost
	OIDCNone
	OIDCPrivateKeyJWT
)

// tokenJWT is the contract's number of the access tokens that are JWTs.
const tokenJWT int32 = 1

// OIDC is the configuration of an OpenID Connect client. Its numbers are those
// of the contract's enums.
type OIDC struct {
	AuthMethod int32 `json:"-"` // a column of its own

	RedirectURIs             []string      `json:"redirectUris,omitempty"`
	ResponseTypes            []int32       `json:"responseTypes"`
	GrantTypes               []int32       `json:"grantTypes"`
	AppType                  int32         `json:"appType"`
	PostLogoutRedirectURIs   []string      `json:"postLogoutRedirectUris,omitempty"`
	Version                  int32         `json:"version"`
	DevMode                  bool          `json:"devMode,omitempty"`
	AccessTokenType          int32         `json:"accessTokenType"`
	AccessTokenRoleAssertion bool          `json:"accessTokenRoleAssertion,omitempty"`
	IDTokenRoleAssertion     bool          `json:"idTokenRoleAssertion,omitempty"`
	IDTokenUserinfoAssertion bool          `json:"idTokenUserinfoAssertion,omitempty"`
	ClockSkew                time.Duration `json:"clockSkew,omitempty"` // nanoseconds
	AdditionalOrigins        []string      `json:"additionalOrigins,omitempty"`
	SkipNativeSuccessPage    bool          `json:"skipNativeAppSuccessPage,omitempty"`
	BackChannelLogoutURI     string        `json:"backChannelLogoutUri,omitempty"`
	Login                    *Login        `json:"login,omitempty"`
}

// Login decides which login pages a client sends its users to.
type Login struct {
	// Version is 1 or 2.
	Version int `json:"version"`
	// BaseURI is where the pages of version 2 are; nil for those of the
	// instance.
	BaseURI *string `json:"baseUri,omitempty"`
}

// Normal returns the configuration as clients see it: with the default response
// and grant types where there are none.
func (c OIDC) Normal() OIDC {
	if len(c.ResponseTypes) == 0 {
		c.ResponseTypes = []int32{ResponseCode}
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []int32{GrantAuthorizationCode}
	}
	for _, uris := range []*[]string{&c.RedirectURIs, &c.PostLogoutRedirectURIs, &c.AdditionalOrigins} {
		*uris = texts(*uris)
	}
	c.BackChannelLogoutURI = store.Text(c.BackChannelLogoutURI)
	return c
}

// Config returns the configuration as it is stored.
func (c OIDC) Config() (Config, error) {
	settings, err := json.Marshal(c)
	return Config{Kind: application.KindOidc, AuthMethod: c.AuthMethod, Settings: settings}, err
}

// ReadOIDC returns the configuration of an OpenID Connect client.
func ReadOIDC(row *ent.Application) (c OIDC, err error) {
	err = json.Unmarshal(row.Settings, &c)
	c.AuthMethod = row.AuthMethod
	return c, err
}

// TokensAreJWT reports whether the access tokens of a client with the stored
// settings are to be JWTs.
func TokensAreJWT(settings json.RawMessage) (bool, error) {
	var c struct {
		AccessTokenType int32 `json:"accessTokenType"`
	}
	err := json.Unmarshal(settings, &c)
	return c.AccessTokenType == tokenJWT, err
}

// AllowedOrigins returns the origins that scripts may call from: the additional
// ones and those of the redirect URIs, each once.
func (c OIDC) AllowedOrigins() []string {
	var origins []string
	for _, origin := range c.AdditionalOrigins {
		origins = appendNew(origins, origin)
	}
	for _, uri := range c.RedirectURIs {
		if origin, ok := originOf(uri); ok {
			origins = appendNew(origins, origin)
		}
	}
	return origins
}

func appendNew(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

func texts(list []string) []string {
	var normal []string
	for _, text := range list {
		normal = append(normal, store.Text(text))
	}
	return normal
}
