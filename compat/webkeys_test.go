package compat

import (
	"context"
	"net"
	"testing"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/system"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	webkey "github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/webkey/v2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"google.golang.org/grpc/codes"
)

// signer is an instance of its own, whose owner gets access tokens that are JWTs.
type signer struct {
	keys          webkey.WebKeyServiceClient
	issuer        string
	owner, secret string
}

func newSigner(t *testing.T, host string) *signer {
	t.Helper()
	ctx, made, installation := t.Context(), newMachineTenant(t, host), asSystem(t)
	t.Cleanup(func() {
		ok(installation.RemoveInstance(context.WithoutCancel(ctx), &system.RemoveInstanceRequest{InstanceId: made.GetInstanceId()}))(t)
	})
	c := connect(t, host, client.PAT(made.GetPat()))
	m, id := c.ManagementService(), ok(c.AuthService().GetMyUser(ctx, nil))(t).GetUser().GetId()
	ok(m.UpdateMachine(ctx, &management.UpdateMachineRequest{UserId: id, Name: "Owner", AccessTokenType: user.AccessTokenType_ACCESS_TOKEN_TYPE_JWT}))(t)
	return &signer{
		keys: c.WebkeyServiceV2(), issuer: "http://" + net.JoinHostPort(host, running.url.Port()), owner: id,
		secret: ok(m.GenerateMachineSecret(ctx, &management.GenerateMachineSecretRequest{UserId: id}))(t).GetClientSecret(),
	}
}

// state returns the state of a key, or STATE_UNSPECIFIED if it is not listed.
func (s *signer) state(t *testing.T, id string) webkey.State {
	t.Helper()
	for _, key := range ok(s.keys.ListWebKeys(t.Context(), &webkey.ListWebKeysRequest{}))(t).GetWebKeys() {
		if key.GetId() == id {
			return key.GetState()
		}
	}
	return webkey.State_STATE_UNSPECIFIED
}

// token returns an access token and an ID token.
func (s *signer) token(t *testing.T) (*oauth2.Token, string) {
	t.Helper()
	p := ok(gooidc.NewProvider(t.Context(), s.issuer))(t)
	config := clientcredentials.Config{ClientID: s.owner, ClientSecret: s.secret, TokenURL: p.Endpoint().TokenURL, Scopes: []string{"openid"}}
	token := ok(config.Token(t.Context()))(t)
	idToken, _ := token.Extra("id_token").(string)
	return token, idToken
}

// verify checks a JWT as a relying party does that has just started.
func (s *signer) verify(t *testing.T, text string) error {
	t.Helper()
	p := ok(gooidc.NewProvider(t.Context(), s.issuer))(t)
	_, err := p.Verifier(&gooidc.Config{ClientID: s.owner}).Verify(t.Context(), text)
	return err
}

// userinfo asks whose token it is.
func (s *signer) userinfo(t *testing.T, token *oauth2.Token) error {
	t.Helper()
	p := ok(gooidc.NewProvider(t.Context(), s.issuer))(t)
	_, err := p.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	return err
}

// zitadel-go changes the keys of an instance. go-oidc verifies tokens of each
// kind of key, also when another one signs, until the key is deleted.
func TestGoWebKeys(t *testing.T) {
	ctx, s := t.Context(), newSigner(t, "keys.localhost")
	first, firstID := s.token(t) // makes the first key
	tokens := []string{first.AccessToken, firstID}
	var active string
	for _, kind := range []struct {
		algorithm jose.SignatureAlgorithm
		request   *webkey.CreateWebKeyRequest
	}{
		{jose.RS512, &webkey.CreateWebKeyRequest{Key: &webkey.CreateWebKeyRequest_Rsa{Rsa: &webkey.RSA{Bits: webkey.RSABits_RSA_BITS_2048, Hasher: webkey.RSAHasher_RSA_HASHER_SHA512}}}},
		{jose.ES256, &webkey.CreateWebKeyRequest{Key: &webkey.CreateWebKeyRequest_Ecdsa{Ecdsa: &webkey.ECDSA{Curve: webkey.ECDSACurve_ECDSA_CURVE_P256}}}},
		{jose.EdDSA, &webkey.CreateWebKeyRequest{Key: &webkey.CreateWebKeyRequest_Ed25519{Ed25519: &webkey.ED25519{}}}},
		{jose.RS256, &webkey.CreateWebKeyRequest{}},
		{jose.ES512, &webkey.CreateWebKeyRequest{Key: &webkey.CreateWebKeyRequest_Ecdsa{Ecdsa: &webkey.ECDSA{Curve: webkey.ECDSACurve_ECDSA_CURVE_P512}}}},
	} {
		id := ok(s.keys.CreateWebKey(ctx, kind.request))(t).GetId()
		if got := s.state(t, id); got != webkey.State_STATE_INITIAL {
			t.Errorf("%s: a new key is %s", kind.algorithm, got)
		}
		ok(s.keys.ActivateWebKey(ctx, &webkey.ActivateWebKeyRequest{Id: id}))(t)
		if active != "" && s.state(t, active) != webkey.State_STATE_INACTIVE || s.state(t, id) != webkey.State_STATE_ACTIVE {
			t.Errorf("%s: the key is %s, the one before %s", kind.algorithm, s.state(t, id), s.state(t, active))
		}
		active = id
		token, idToken := s.token(t)
		for _, text := range []string{token.AccessToken, idToken} {
			parsed := ok(jwt.ParseSigned(text, []jose.SignatureAlgorithm{kind.algorithm}))(t)
			if parsed.Headers[0].KeyID != id {
				t.Errorf("%s: a token is signed with %s, want %s", kind.algorithm, parsed.Headers[0].KeyID, id)
			}
		}
		tokens = append(tokens, token.AccessToken, idToken)
		for _, text := range tokens {
			if err := s.verify(t, text); err != nil {
				t.Errorf("when %s signs: %v", kind.algorithm, err)
			}
		}
	}

	_, err := s.keys.DeleteWebKey(ctx, &webkey.DeleteWebKeyRequest{Id: active})
	refused(t, err, codes.FailedPrecondition)
	if err := s.userinfo(t, first); err != nil {
		t.Errorf("before its key is deleted: %v", err)
	}
	former := ok(jwt.ParseSigned(firstID, []jose.SignatureAlgorithm{jose.RS256}))(t).Headers[0].KeyID
	ok(s.keys.DeleteWebKey(ctx, &webkey.DeleteWebKeyRequest{Id: former}))(t)
	if got := s.state(t, former); got != webkey.State_STATE_UNSPECIFIED {
		t.Errorf("a deleted key is %s", got)
	}
	for i, text := range tokens {
		if err := s.verify(t, text); (err == nil) != (i >= 2) {
			t.Errorf("token %d of %d, after the first key was deleted: %v", i, len(tokens), err)
		}
	}
	if s.userinfo(t, first) == nil {
		t.Error("a token is valid whose key was deleted")
	}
}
