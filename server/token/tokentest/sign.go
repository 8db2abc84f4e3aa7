//go:build unix

package tokentest

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are those of a signed token; a test may set any to any value.
type Claims map[string]any

// With returns the claims with one changed, or left out where value is nil.
func (c Claims) With(name string, value any) Claims {
	changed := Claims{}
	for n, v := range c {
		changed[n] = v
	}
	if changed[name] = value; value == nil {
		delete(changed, name)
	}
	return changed
}

// SelfSigned returns the claims that clients send: issued now, valid for an
// hour.
func SelfSigned(subject, audience string, now time.Time) Claims {
	return Claims{"iss": subject, "sub": subject, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
}

// Sign returns a JWT with the claims; keyID may be empty.
func Sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, keyID string, claims Claims) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jwt.Signed(signer).Claims(map[string]any(claims)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
