package oauth

import (
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/token"
)

// configuration is the metadata of an issuer (RFC 8414, 2, and OpenID Connect
// Discovery 1.0, 3). It lists only what works.
type configuration struct {
	Issuer                      string                    `json:"issuer"`
	TokenEndpoint               string                    `json:"token_endpoint"`
	KeysURI                     string                    `json:"jwks_uri"`
	IntrospectionEndpoint       string                    `json:"introspection_endpoint"`
	RevocationEndpoint          string                    `json:"revocation_endpoint"`
	UserinfoEndpoint            string                    `json:"userinfo_endpoint"`
	Scopes                      []string                  `json:"scopes_supported"`
	ResponseTypes               []string                  `json:"response_types_supported"`
	GrantTypes                  []oidc.GrantType          `json:"grant_types_supported"`
	SubjectTypes                []string                  `json:"subject_types_supported"`
	IDTokenAlgorithms           []jose.SignatureAlgorithm `json:"id_token_signing_alg_values_supported"`
	TokenEndpointAuth           []oidc.AuthMethod         `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAuthAlgorithms []string                  `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth           []oidc.AuthMethod         `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgorithms []string                  `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth              []oidc.AuthMethod         `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgorithms    []string                  `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Claims                      []string                  `json:"claims_supported"`
	// RequestURI counts as true when it is absent.
	RequestURI bool `json:"request_uri_parameter_supported"`
}

// scopesSupported are those without a part that the client fills in.
var scopesSupported = append([]string{token.ScopeAPI}, userScopes...)

// claimsSupported are those without a part that differs.
var claimsSupported = []string{
	"iss", "sub", "aud", "exp", "iat", "auth_time", "act",
	"name", "preferred_username", "updated_at", "given_name", "family_name", "nickname", "gender", "locale",
	"email", "email_verified", "phone_number", "phone_number_verified",
	claimOrganization, claimRoles, claimOwnerID, claimOwnerName, claimOwnerDomain, claimMetadata,
}

func (e *endpoints) discover(w http.ResponseWriter, r *http.Request) {
	issuer := caller.InstanceOf(r.Context()).Origin
	answer(w, http.StatusOK, configuration{
		Issuer:                issuer,
		TokenEndpoint:         issuer + TokenPath,
		KeysURI:               issuer + KeysPath,
		IntrospectionEndpoint: issuer + IntrospectionPath,
		RevocationEndpoint:    issuer + RevocationPath,
		UserinfoEndpoint:      issuer + UserinfoPath,
		Scopes:                scopesSupported,
		ResponseTypes:         []string{},
		GrantTypes:            grantTypes,
		SubjectTypes:          []string{"public"},
		// All that a key may be made for, not only what signs now: relying parties keep
		// this document, and a key can be replaced by one of another kind.
		IDTokenAlgorithms: token.SigningAlgorithms(),
		// With the JWT profile the assertion is the grant and the proof of who sends
		// it: the client needs no other.
		TokenEndpointAuth:           append(slices.Clone(authMethods), oidc.AuthMethodNone),
		TokenEndpointAuthAlgorithms: assertionAlgorithms,
		IntrospectionAuth:           authMethods,
		IntrospectionAuthAlgorithms: assertionAlgorithms,
		// Whoever has nothing to authenticate with names itself by client_id.
		RevocationAuth:           append(slices.Clone(authMethods), oidc.AuthMethodNone),
		RevocationAuthAlgorithms: assertionAlgorithms,
		Claims:                   claimsSupported,
	})
}

func (e *endpoints) keys(w http.ResponseWriter, r *http.Request) {
	keys, err := e.tokens.PublicKeys(r.Context())
	if err != nil {
		e.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, keys)
}
