package token_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// keyKinds has every algorithm and every length once: RSA hashes whatever its
// length.
var keyKinds = []token.KeyKind{
	{Algorithm: jose.RS256, Bits: 2048}, {Algorithm: jose.RS384, Bits: 3072}, {Algorithm: jose.RS512, Bits: 4096},
	{Algorithm: jose.ES256}, {Algorithm: jose.ES384}, {Algorithm: jose.ES512}, {Algorithm: jose.EdDSA},
}

// publicKeys returns the published keys as a relying party reads them.
func publicKeys(t *testing.T, d *tokentest.Directory, ctx context.Context) (set jose.JSONWebKeySet, text []byte) {
	t.Helper()
	published, err := d.Tokens.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(published); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	return set, text
}

// idToken returns an ID token, and the id of the key that signed it.
func idToken(t *testing.T, tokens *token.Tokens, ctx context.Context) (text, keyID string) {
	t.Helper()
	text, err := tokens.IDToken(ctx, "user", here, "client", nil)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(text, token.SigningAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	return text, parsed.Headers[0].KeyID
}

// verifies reports whether the keys verify an ID token.
func verifies(t *testing.T, keys jose.JSONWebKeySet, text string) bool {
	t.Helper()
	parsed, err := jwt.ParseSigned(text, token.SigningAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	err = parsed.Claims(keys, &claims)
	return err == nil && claims.Subject == "user" && claims.Issuer == here
}

// signing gives the instance a key that signs.
func signing(t *testing.T, d *tokentest.Directory, ctx context.Context, kind token.KeyKind) *ent.SigningKey {
	t.Helper()
	row, err := d.Tokens.CreateSigningKey(ctx, kind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Tokens.ActivateSigningKey(ctx, row.KeyID); err != nil {
		t.Fatal(err)
	}
	return row
}

// A key of each kind is published as such, and verifies what it signs. What it
// is kept as opens under the master key alone; its private half is in no event
// and not published.
func TestEachKindOfKeySigns(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, _ := d.Instance(t, here)
	types := map[string]string{"R": "RSA", "E": "EC"}
	for _, kind := range keyKinds {
		t.Run(string(kind.Algorithm), func(t *testing.T) {
			row := signing(t, d, ctx, kind)
			if got, err := token.KindOf(row); err != nil || got != kind {
				t.Errorf("the kind is %v, the error %v", got, err)
			}
			text, keyID := idToken(t, d.Tokens, ctx)
			set, published := publicKeys(t, d, ctx)
			key := set.Keys[0]
			if keyID != row.KeyID || key.KeyID != keyID || key.Algorithm != string(kind.Algorithm) || key.Use != "sig" || !key.IsPublic() || !key.Valid() {
				t.Errorf("the token is signed by %s, the key is %s %s for %s", keyID, key.KeyID, key.Algorithm, key.Use)
			}
			parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{kind.Algorithm})
			if err != nil || parsed.Headers[0].ExtraHeaders[jose.HeaderType] != "JWT" {
				t.Errorf("the header is %v, the error %v", parsed, err)
			}
			if !verifies(t, set, text) {
				t.Error("the published keys do not verify the token")
			}
			if want := types[string(kind.Algorithm[:1])]; kind.Algorithm != jose.EdDSA && !strings.Contains(string(published), `"kty":"`+want+`"`) {
				t.Errorf("no key is of the type %s", want)
			}
			if strings.Contains(string(published), `"d":`) || strings.Contains(string(published), `"p":`) {
				t.Error("a private half is published")
			}
			der, err := d.MasterKey.Open(ctx, row.PrivateKey, store.SealedSigningKey.BoundTo(row.InstanceID, row.KeyID))
			if err != nil || bytes.Contains(row.PrivateKey, der[len(der)-32:]) {
				t.Errorf("the key is not sealed under the master key: %v", err)
			}
			e, err := d.Store.Read().Event.Query().Where(event.AggregateID(row.KeyID), event.Type(string(store.WebKeyAdded))).Only(ctx)
			if err != nil {
				t.Fatal(err)
			}
			said := 1
			if kind.Bits != 0 {
				said = 2
			}
			if e.AggregateType != "web_key" || e.OwnerID != row.InstanceID || e.Payload["algorithm"] != string(kind.Algorithm) || len(e.Payload) != said {
				t.Errorf("the event is %v", e)
			}
		})
	}
	if set, _ := publicKeys(t, d, ctx); len(set.Keys) != len(keyKinds) {
		t.Errorf("%d keys are published", len(set.Keys))
	}
	if len(token.SigningAlgorithms()) != len(keyKinds) {
		t.Errorf("the algorithms are %v", token.SigningAlgorithms())
	}
	for _, kind := range []token.KeyKind{
		{}, {Algorithm: jose.RS256}, {Algorithm: jose.RS256, Bits: 1024}, {Algorithm: jose.PS256, Bits: 2048}, {Algorithm: jose.ES256, Bits: 2048},
		{Algorithm: jose.HS256}, {Algorithm: "none"}, {Algorithm: jose.RS512, Bits: 8192},
	} {
		if _, err := d.Tokens.CreateSigningKey(ctx, kind); err == nil {
			t.Errorf("there is a key of the kind %v", kind)
		}
	}
}
