package token

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/fault"
)

// The types of JWT that are signed here. An access token says that it is one, so
// that nothing else passes for it, nor it for anything else (RFC 9068, 2.1;
// RFC 8725, 3.11).
const (
	idTokenType     = "JWT"
	accessTokenType = "at+jwt"
)

// signAccess returns an access token as a JWT (RFC 9068, 2.2). It returns
// fault.TokenTooLarge for one that would not fit into the header of a request,
// the errors of the database, and one if the signing key cannot be unsealed.
func (t *Tokens) signAccess(ctx context.Context, g Grant, token AccessToken, now time.Time) (string, error) {
	signer, err := t.signer(ctx, accessTokenType)
	if err != nil {
		return "", err
	}
	text, err := jwt.Signed(signer).Claims(g.claims(token, now)).Serialize()
	if err == nil && len(text) > maxSigned {
		err = fault.TokenTooLarge.With(maxSigned)
	}
	return text, err
}

// claims returns those of an access token that is a JWT. What the protocol gives
// a meaning is never taken from the claims that were asked for.
func (g Grant) claims(token AccessToken, now time.Time) map[string]any {
	claims := make(map[string]any, len(g.Claims)+9)
	for name, value := range g.Claims {
		claims[name] = value
	}
	for _, name := range []string{"nbf", "act", "may_act", "cnf", "scope"} {
		delete(claims, name)
	}
	claims["iss"] = g.Issuer
	claims["sub"] = g.Subject()
	claims["aud"] = append([]string{}, g.Audience...)
	claims["client_id"] = g.Client.ID
	claims["iat"] = now.Unix()
	claims["exp"] = token.ExpiresAt.Unix()
	claims["jti"] = token.ID
	if len(g.Scopes) > 0 {
		claims["scope"] = strings.Join(g.Scopes, " ")
	}
	if g.Actor != nil {
		claims["act"] = g.Actor
	}
	return claims
}

// isAccessType reports whether a type of JWT is that of access tokens. It is a
// media type, in whatever case, whose first part may be left out (RFC 7515,
// 4.1.9).
func isAccessType(typ string) bool {
	return strings.TrimPrefix(strings.ToLower(typ), "application/") == accessTokenType
}

// signedAccess returns the id of the key that signed an access token that is a
// JWT, as it says itself; empty for any other text. Nothing of it is believed:
// it is good only if its hash is known, for then it was issued here, letter by
// letter.
func signedAccess(token string) (keyID string) {
	typ, keyID := header(token)
	if typ != accessTokenType || !goodKeyID(keyID) || !canonical(token) {
		return ""
	}
	return keyID
}

// header returns the type and the key that a JWT names; nothing for what is none
// or is too long to be read.
func header(token string) (typ, keyID string) {
	first, _, _ := strings.Cut(token, ".")
	if len(token) > maxSigned || strings.Count(token, ".") != 2 {
		return "", ""
	}
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", ""
	}
	var h struct {
		Type  string `json:"typ"`
		KeyID string `json:"kid"`
	}
	if json.Unmarshal(text, &h) != nil {
		return "", ""
	}
	return h.Type, h.KeyID
}
