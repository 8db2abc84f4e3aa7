package application

import (
	"net/url"
	"slices"
)

// Problem is why a client is not as OpenID Connect and the best practices for
// OAuth 2.0 (RFC 9700, RFC 8252) want it to be. It works nevertheless.
type Problem struct {
	// Key tells problems apart and does not change.
	Key string
	// Text says what to do about it.
	Text string
}

// The problems of clients.
var (
	problemNoRedirect   = Problem{"oidc.redirect_uris_missing", "A client with the authorization code or the implicit grant needs at least one redirect URI."}
	problemNoCodeGrant  = Problem{"oidc.code_grant_missing", "The response type code needs the grant type authorization code."}
	problemNoImplicit   = Problem{"oidc.implicit_grant_missing", "The response types id_token and id_token token need the implicit grant type."}
	problemRefresh      = Problem{"oidc.refresh_without_code", "Refresh tokens need the grant type authorization code or device code."}
	problemImplicit     = Problem{"oidc.implicit_grant", "The implicit grant shows tokens to the browser: use the authorization code with PKCE."}
	problemWebHTTP      = Problem{"oidc.web_redirect_http", "A web or user agent client needs https redirect URIs; http is for the development mode."}
	problemWebCustom    = Problem{"oidc.web_redirect_custom", "A web or user agent client needs https redirect URIs: other schemes are for native clients."}
	problemNativeHTTP   = Problem{"oidc.native_redirect_http", "A native client needs redirect URIs with a scheme of its own, https, or http to localhost."}
	problemAgentSecret  = Problem{"oidc.user_agent_auth_method", "A user agent client cannot keep a secret: use the authentication method none, with PKCE."}
	problemNativeSecret = Problem{"oidc.native_auth_method", "A native client cannot keep a secret: use the authentication method none, with PKCE."}
)

// Problems returns why the client is not compliant, nothing if it is.
func (c OIDC) Problems() (problems []Problem) {
	add := func(is bool, problem Problem) {
		if is {
			problems = append(problems, problem)
		}
	}
	grants := func(kinds ...int32) bool {
		return slices.ContainsFunc(kinds, func(kind int32) bool { return slices.Contains(c.GrantTypes, kind) })
	}
	redirects := grants(GrantAuthorizationCode, GrantImplicit)
	implicit := slices.Contains(c.ResponseTypes, ResponseIDToken) || slices.Contains(c.ResponseTypes, ResponseIDTokenToken)
	add(redirects && len(c.RedirectURIs) == 0, problemNoRedirect)
	// The default response type says nothing about a client that never asks
	// the authorization endpoint.
	add(slices.Contains(c.ResponseTypes, ResponseCode) && !grants(GrantAuthorizationCode, GrantDeviceCode, GrantTokenExchange), problemNoCodeGrant)
	add(implicit && !grants(GrantImplicit), problemNoImplicit)
	add(grants(GrantRefreshToken) && !grants(GrantAuthorizationCode, GrantDeviceCode), problemRefresh)
	add(grants(GrantImplicit), problemImplicit)
	if c.AppType == Native {
		add(slices.ContainsFunc(c.RedirectURIs, isRemoteHTTP), problemNativeHTTP)
		add(c.AuthMethod != OIDCNone, problemNativeSecret)
		return problems
	}
	add(!c.DevMode && c.redirectsBy(func(scheme string) bool { return scheme == "http" }), problemWebHTTP)
	add(c.redirectsBy(func(scheme string) bool { return scheme != "http" && scheme != "https" }), problemWebCustom)
	add(c.AppType == UserAgent && c.AuthMethod != OIDCNone, problemAgentSecret)
	return problems
}

// redirectsBy reports whether any redirect URI has such a scheme.
func (c OIDC) redirectsBy(is func(scheme string) bool) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return is(schemeOf(uri)) })
}

// isRemoteHTTP reports whether a URI is http to another machine.
func isRemoteHTTP(uri string) bool {
	if schemeOf(uri) != "http" {
		return false
	}
	parsed, err := url.Parse(uri)
	return err != nil || !isLoopback(parsed.Hostname())
}
