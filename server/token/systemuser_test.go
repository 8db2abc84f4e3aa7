package token_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const here = "http://localhost:8080"

func systemUsers() []token.SystemUser {
	owner := []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER"}}}
	return []token.SystemUser{
		{Name: "ops", PublicKey: opsKey().Public(), Memberships: owner},
		{Name: "rsa", PublicKey: rsaKey().Public(), Memberships: owner},
		{Name: "other", PublicKey: otherKey().Public()},
		{Name: "ec", PublicKey: p256Key().Public()},
	}
}

// unsigned returns a JWT that says alg is none.
func unsigned(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

func pkixPEM(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestSystemToken(t *testing.T) {
	d := tokentest.SQLite(t, systemUsers())
	now := d.Clock.Now()
	good := tokentest.SelfSigned("rsa", here, now)
	sign := func(claims tokentest.Claims) string { return tokentest.Sign(t, jose.RS256, rsaKey(), "", claims) }
	typed, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey()}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	withType, err := typed.Sign([]byte(payload(t, sign(good))))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := withType.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bearer string
		user   string // empty: refused
	}{
		"good":                       {sign(good), "rsa"},
		"typ":                        {compact, "rsa"},
		"kid":                        {tokentest.Sign(t, jose.RS256, rsaKey(), "any", good), "rsa"},
		"audience array":             {sign(good.With("aud", []string{"http://other", here})), "rsa"},
		"second audience":            {sign(good.With("aud", "http://second")), "rsa"},
		"EdDSA":                      {tokentest.Sign(t, jose.EdDSA, opsKey(), "", tokentest.SelfSigned("ops", here, now)), "ops"},
		"ES256":                      {tokentest.Sign(t, jose.ES256, p256Key(), "", tokentest.SelfSigned("ec", here, now)), "ec"},
		"an hour old":                {sign(good.With("iat", now.Add(-time.Hour).Unix()).With("exp", now.Add(time.Minute).Unix())), "rsa"},
		"a clock ahead":              {sign(good.With("iat", now.Add(time.Minute).Unix())), "rsa"},
		"wrong audience":             {sign(good.With("aud", "http://localhost:8081")), ""},
		"audience prefix":            {sign(good.With("aud", here+"/")), ""},
		"no audience":                {sign(good.With("aud", nil)), ""},
		"empty audience":             {sign(good.With("aud", "")), ""},
		"audience number":            {sign(good.With("aud", 1)), ""},
		"no subject":                 {sign(good.With("sub", nil)), ""},
		"other subject":              {sign(good.With("sub", "ops")), ""},
		"other issuer":               {sign(good.With("iss", "ops")), ""},
		"no issuer":                  {sign(good.With("iss", nil).With("sub", nil)), ""},
		"unknown user":               {sign(tokentest.SelfSigned("nobody", here, now)), ""},
		"key of another user":        {tokentest.Sign(t, jose.RS256, otherKey(), "", good), ""},
		"user of another key":        {sign(tokentest.SelfSigned("other", here, now)), ""},
		"no iat":                     {sign(good.With("iat", nil)), ""},
		"iat too old":                {sign(good.With("iat", now.Add(-time.Hour-time.Second).Unix())), ""},
		"iat too far ahead":          {sign(good.With("iat", now.Add(time.Minute+time.Second).Unix())), ""},
		"iat beyond all":             {sign(good.With("iat", 1e300)), ""},
		"iat text":                   {sign(good.With("iat", "now")), ""},
		"no exp":                     {sign(good.With("exp", nil)), ""},
		"expired":                    {sign(good.With("exp", now.Unix())), ""},
		"exp below all":              {sign(good.With("exp", -1e300)), ""},
		"not yet":                    {sign(good.With("nbf", now.Add(2*time.Minute).Unix())), ""},
		"RS512":                      {tokentest.Sign(t, jose.RS512, rsaKey(), "", good), ""},
		"PS256":                      {tokentest.Sign(t, jose.PS256, rsaKey(), "", good), ""},
		"HS256 with the public key":  {tokentest.Sign(t, jose.HS256, pkixPEM(t, rsaKey().Public()), "", good), ""},
		"alg none":                   {unsigned(payload(t, sign(good))), ""},
		"no signature":               {sign(good)[:strings.LastIndex(sign(good), ".")+1], ""},
		"cut":                        {sign(good)[:len(sign(good))-4], ""},
		"a line break":               {strings.Replace(sign(good), ".", "\n.", 1), ""},
		"longer than the bound":      {sign(good.With("x", strings.Repeat("x", 8<<10))), ""},
		"claims that are no object":  {signedText(t, `[]`), ""},
		"claims of another key name": {sign(good.With("iss", nil).With("ISS", "rsa")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Tokens.Authenticate(context.Background(), c.bearer, []string{here, "http://second"})
			if c.user == "" {
				if !errors.Is(err, fault.TokenInvalid.With()) || err.Error() != fault.TokenInvalid.With().Error() || got.Kind != caller.Anonymous {
					t.Errorf("the caller is %+v, the error %v", got, err)
				}
				return
			}
			if err != nil || got.Kind != caller.System || got.ID != c.user {
				t.Errorf("the caller is %+v, the error %v, because %v", got, err, errors.Unwrap(err))
			}
		})
	}
	c, err := d.Tokens.Authenticate(context.Background(), sign(good), []string{here})
	if err != nil || len(c.Memberships) != 1 || c.Memberships[0].Roles[0] != "SYSTEM_OWNER" {
		t.Errorf("the caller is %+v, the error %v", c, err)
	}
	for _, audiences := range [][]string{nil, {""}} {
		if _, err := d.Tokens.Authenticate(context.Background(), sign(good.With("aud", "")), audiences); err == nil {
			t.Errorf("a token for nobody is accepted for %q", audiences)
		}
	}
}

// payload returns the claims of a JWT as they are in it.
func payload(t *testing.T, signed string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(signed, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// signedText signs what may be no claims.
func signedText(t *testing.T, body string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSystemUsersRefused(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	good := token.SystemUser{Name: "a", PublicKey: rsaKey().Public()}
	for name, users := range map[string][]token.SystemUser{
		"no name":   {{PublicKey: rsaKey().Public()}},
		"two alike": {good, good},
		"no key":    {{Name: "a"}},
		"secret":    {{Name: "a", PublicKey: []byte("secret")}},
		"RSA 1024":  {{Name: "a", PublicKey: smallKey().Public()}},
		"P-384":     {{Name: "a", PublicKey: p384Key().Public()}},
		"private":   {{Name: "a", PublicKey: rsaKey()}},
	} {
		if _, err := token.New(token.Options{Store: d.Store, SystemUsers: users}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := token.New(token.Options{}); err == nil {
		t.Error("no store: accepted")
	}
}
