package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// issueJWT returns an access token that is a JWT, for the user itself.
func issueJWT(t *testing.T, d *tokentest.Directory, ctx context.Context, u *ent.User, change func(*token.Grant)) token.AccessToken {
	t.Helper()
	g := token.Grant{
		Client: token.Client{ID: u.UserID, UserKey: u.ID}, UserKey: u.ID, UserID: u.UserID,
		Scopes: []string{token.ScopeOpenID, token.ScopeAPI}, Audience: []string{u.UserID, "zitadel"}, JWT: true, Issuer: here,
	}
	if change != nil {
		change(&g)
	}
	issued, err := d.Tokens.Issue(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// claimsOf verifies a JWT as a resource server does, by the published keys.
func claimsOf(t *testing.T, d *tokentest.Directory, ctx context.Context, text string) (jose.Header, map[string]any) {
	t.Helper()
	keys, err := d.Tokens.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.Claims(keys, &claims); err != nil {
		t.Fatal(err)
	}
	return parsed.Headers[0], claims
}

func TestAccessJWT(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u, actor := d.Machine(t, ctx, o), impersonator(t, d, ctx)
		d.Clock.Advance(time.Microsecond)
		now := d.Clock.Now()
		issued := issueJWT(t, d, ctx, u, func(g *token.Grant) {
			g.Actor = json.RawMessage(`{"sub":"` + actor.UserID + `"}`)
			g.Claims = map[string]any{"urn:zitadel:iam:user:resourceowner:id": o.OrganizationID}
		})
		header, claims := claimsOf(t, d, ctx, issued.Token)
		if header.ExtraHeaders[jose.HeaderType] != "at+jwt" || header.Algorithm != "RS256" || header.KeyID == "" {
			t.Errorf("the header is %+v", header)
		}
		want := map[string]any{
			"iss": here, "sub": u.UserID, "aud": []any{u.UserID, "zitadel"}, "client_id": u.UserID,
			"iat": float64(now.Unix()), "exp": float64(now.Add(token.Lifetime).Unix()), "jti": issued.ID, "scope": "openid " + token.ScopeAPI,
			"act": map[string]any{"sub": actor.UserID}, "urn:zitadel:iam:user:resourceowner:id": o.OrganizationID,
		}
		if !reflect.DeepEqual(claims, want) {
			t.Errorf("the claims are %v, not %v", claims, want)
		}
		b, err := d.Tokens.Bearer(ctx, issued.Token)
		if err != nil || b.Kind != id.AccessToken || b.TokenID != issued.ID || b.UserKey != u.ID || len(b.Audience) != 2 {
			t.Errorf("the token is of %+v, %v", b, err)
		}
		want2 := caller.Caller{Kind: caller.User, ID: u.UserID, PrimaryKey: u.ID, OrganizationID: o.OrganizationID}
		accepted(t, d, ctx, issued.Token, want2)
		row := d.Store.Read().AccessToken.Query().OnlyX(ctx)
		if !reflect.DeepEqual(row.Hash, id.Hash(issued.Token)) {
			t.Error("what is stored is not the hash of the whole text")
		}
		d.SetUserState(t, ctx, u, user.StateInactive)
		refused(t, d, ctx, issued.Token)
		d.SetUserState(t, ctx, u, user.StateActive)
		accepted(t, d, ctx, issued.Token, want2)
		d.Clock.Advance(token.Lifetime)
		refused(t, d, ctx, issued.Token)
	})
}

// What the protocol gives a meaning is not taken from elsewhere.
func TestAccessJWTClaimsNeverOverride(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	given := map[string]any{"extra": "x"}
	for _, name := range []string{"iss", "sub", "aud", "client_id", "iat", "exp", "nbf", "jti", "scope", "act", "may_act", "cnf"} {
		given[name] = "forged"
	}
	_, claims := claimsOf(t, d, ctx, issueJWT(t, d, ctx, u, func(g *token.Grant) { g.Claims, g.Scopes = given, nil }).Token)
	if claims["extra"] != "x" || len(claims) != 8 {
		t.Errorf("the claims are %v", claims)
	}
	for name, value := range claims {
		if value == "forged" {
			t.Errorf("%s is what was asked for", name)
		}
	}
	if len(given) != 13 {
		t.Error("the claims that were given are changed")
	}
}

// A token that does not fit into the header of a request is not given.
func TestAccessJWTTooLong(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	fits := issueJWT(t, d, ctx, u, func(g *token.Grant) { g.Claims = map[string]any{"x": strings.Repeat("x", 5000)} }).Token
	if _, err := d.Tokens.Bearer(ctx, fits); err != nil || len(fits) > 8<<10 {
		t.Errorf("%d bytes: %v", len(fits), err)
	}
	_, err := d.Tokens.Issue(ctx, token.Grant{
		Client: token.Client{ID: u.UserID, UserKey: u.ID}, UserKey: u.ID, UserID: u.UserID, JWT: true, Issuer: here,
		Claims: map[string]any{"x": strings.Repeat("x", 6200)},
	})
	if !errors.Is(err, fault.TokenTooLarge.With()) || d.Store.Read().AccessToken.Query().CountX(ctx) != 1 {
		t.Errorf("the error is %v", err)
	}
	refused(t, d, ctx, fits+strings.Repeat("A", 8<<10))
}

// A token is as good as the key that signed it, in its own instance.
func TestAccessJWTOfAKeyThatIsGone(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, foreign := d.Instance(t, here)
		u, stranger := d.Machine(t, ctx, o), d.Machine(t, elsewhere, foreign)
		own, other := issueJWT(t, d, ctx, u, nil).Token, issueJWT(t, d, elsewhere, stranger, nil).Token
		refused(t, d, elsewhere, own)
		refused(t, d, ctx, other)
		former, _ := claimsOf(t, d, ctx, own)
		made, err := d.Tokens.CreateSigningKey(ctx, token.DefaultKeyKind)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Tokens.ActivateSigningKey(ctx, made.KeyID); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Tokens.Bearer(ctx, own); err != nil {
			t.Error("the token ends with another key:", err)
		}
		next := issueJWT(t, d, ctx, u, nil).Token
		if at, err := d.Tokens.RemoveSigningKey(ctx, former.KeyID); err != nil || at == nil {
			t.Fatal(at, err)
		}
		refused(t, d, ctx, own)
		if _, err := d.Tokens.Bearer(ctx, next); err != nil {
			t.Error(err)
		}
		if _, err := d.Tokens.Bearer(elsewhere, other); err != nil {
			t.Error(err)
		}
	})
}

// b64 encodes the text of a part of a JWT.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestAccessJWTForged(t *testing.T) {
	tokentest.Each(t, []token.SystemUser{{Name: "ops", PublicKey: rsaKey().Public()}}, testAccessJWTForged)
}

func testAccessJWTForged(t *testing.T, d *tokentest.Directory) {
	ctx, o := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	good := issueJWT(t, d, ctx, u, nil).Token
	accepted(t, d, ctx, good, caller.Caller{Kind: caller.User, ID: u.UserID, PrimaryKey: u.ID, OrganizationID: o.OrganizationID})
	parts := strings.Split(good, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	h, _ := claimsOf(t, d, ctx, good)
	header, claims := string(raw), payload(t, good)
	public := d.Store.Read().SigningKey.Query().OnlyX(ctx).PublicKey
	key, err := x509.ParsePKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(secret []byte) string {
		signed := b64(strings.Replace(header, "RS256", "HS256", 1)) + "." + parts[1]
		sum := hmac.New(sha256.New, secret)
		sum.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
	}
	resigned := func(typ, keyID string, private any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: keyID}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.Signed(signer).Claims(map[string]any{"iss": "ops", "sub": "ops", "aud": here, "iat": d.Clock.Now().Unix(), "exp": d.Clock.Now().Add(time.Hour).Unix()}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	last := parts[2][len(parts[2])-1]
	stray := parts[2][:len(parts[2])-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last)^1])
	idToken, err := d.Tokens.IDToken(ctx, u.UserID, here, u.UserID, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]string{
		"alg changed":                     b64(strings.Replace(header, "RS256", "RS512", 1)) + "." + parts[1] + "." + parts[2],
		"alg none":                        b64(strings.Replace(header, "RS256", "none", 1)) + "." + parts[1] + ".",
		"alg none with the signature":     b64(strings.Replace(header, "RS256", "none", 1)) + "." + parts[1] + "." + parts[2],
		"HMAC with the public key in DER": mac(public),
		"HMAC with the public key in PEM": mac(pkixPEM(t, key)),
		"claims altered":                  parts[0] + "." + b64(strings.Replace(claims, u.UserID, "another", 1)) + "." + parts[2],
		"signature cut":                   good[:len(good)-1],
		"signature left out":              parts[0] + "." + parts[1] + ".",
		"signature longer":                good + "AA",
		"stray bits of the last letter":   parts[0] + "." + parts[1] + "." + stray,
		"header re-encoded":               b64(" "+header) + "." + parts[1] + "." + parts[2],
		"padding":                         good + "=",
		"a line break":                    parts[0] + ".\n" + parts[1] + "." + parts[2],
		"another part":                    good + ".",
		"parts exchanged":                 parts[1] + "." + parts[0] + "." + parts[2],
		"another type":                    b64(strings.Replace(header, "at+jwt", "JWT", 1)) + "." + parts[1] + "." + parts[2],
		"a header with two types":         b64(strings.Replace(header, "{", `{"typ":"JWT",`, 1)) + "." + parts[1] + "." + parts[2],
		"no kid":                          b64(`{"alg":"RS256","typ":"at+jwt"}`) + "." + parts[1] + "." + parts[2],
		"kid with U+0000":                 b64(strings.Replace(header, h.KeyID, `\u0000`, 1)) + "." + parts[1] + "." + parts[2],
		"the kid of no key":               b64(strings.Replace(header, h.KeyID, "1", 1)) + "." + parts[1] + "." + parts[2],
		"a header that is none":           b64("at+jwt") + "." + parts[1] + "." + parts[2],
		"signed with a key of one's own":  resigned("at+jwt", h.KeyID, otherKey()),
		"of a system user":                resigned("at+jwt", h.KeyID, rsaKey()),
		"of a system user, spelled out":   resigned("application/AT+JWT", "", rsaKey()),
		"an ID token":                     idToken,
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := d.Tokens.Authenticate(ctx, forged, []string{here}); !errors.Is(err, fault.TokenInvalid.With()) || c.Kind != caller.Anonymous {
				t.Errorf("the caller is %+v, the error %v", c, err)
			}
			if _, err := d.Tokens.Bearer(ctx, forged); !errors.Is(err, fault.TokenInvalid.With()) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	// A system user's own token is none of these, and is good still.
	if c, err := d.Tokens.Authenticate(ctx, resigned("JWT", "", rsaKey()), []string{here}); err != nil || c.ID != "ops" {
		t.Errorf("the caller is %+v, the error %v", c, err)
	}
}
