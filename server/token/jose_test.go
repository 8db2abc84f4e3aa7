package token_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// signText signs a header and claims as they are written, with RS256.
func signText(t *testing.T, key *rsa.PrivateKey, header, claims string) string {
	t.Helper()
	signed := b64(header) + "." + b64(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// What an assertion may say in its header, and in what form it may come
// (RFC 8725, 3). All are signed with the right key unless they say otherwise.
func TestAssertionForm(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	key := d.MachineKey(t, ctx, u, 0)
	own, err := json.Marshal(jose.JSONWebKey{Key: otherKey().Public()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tokentest.SelfSigned(u.UserID, here, d.Clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	claims := string(text)
	with := func(more string) string {
		return signText(t, key.Private, fmt.Sprintf(`{"alg":"RS256","kid":%q%s}`, key.ID, more), claims)
	}
	by := func(private *rsa.PrivateKey, more string) string {
		return signText(t, private, fmt.Sprintf(`{"alg":"RS256","kid":%q%s}`, key.ID, more), claims)
	}
	saying := func(claims string) string {
		return signText(t, key.Private, fmt.Sprintf(`{"alg":"RS256","kid":%q}`, key.ID), claims)
	}
	good := strings.Split(with(""), ".")
	for name, c := range map[string]struct {
		assertion string
		good      bool
	}{
		"plain":                               {with(""), true},
		"typ JWT":                             {with(`,"typ":"JWT"`), true},
		"typ at+jwt":                          {with(`,"typ":"at+jwt"`), false},
		"typ application/at+jwt":              {with(`,"typ":"application/AT+jwt"`), false},
		"an unknown header is ignored":        {with(`,"x":{"y":1}`), true},
		"crit":                                {with(`,"x":1,"crit":["x"]`), false},
		"crit of what is known":               {with(`,"crit":["alg"]`), false},
		"crit with b64":                       {with(`,"b64":true,"crit":["b64"]`), false},
		"crit empty":                          {with(`,"crit":[]`), false},
		"b64 false":                           {with(`,"b64":false`), false},
		"jwk is not believed":                 {by(otherKey(), `,"jwk":`+string(own)), false},
		"jwk is ignored":                      {with(`,"jwk":` + string(own)), true},
		"jku is not fetched":                  {by(otherKey(), `,"jku":"http://127.0.0.1:1/keys"`), false},
		"jku is ignored":                      {with(`,"jku":"http://127.0.0.1:1/keys"`), true},
		"x5u is not fetched":                  {by(otherKey(), `,"x5u":"http://127.0.0.1:1/certificate"`), false},
		"x5u is ignored":                      {with(`,"x5u":"http://127.0.0.1:1/certificate"`), true},
		"x5c that is none":                    {with(`,"x5c":["AA"]`), false},
		"alg of two":                          {signText(t, key.Private, fmt.Sprintf(`{"alg":"none","alg":"RS256","kid":%q}`, key.ID), claims), false},
		"alg in another case":                 {signText(t, key.Private, fmt.Sprintf(`{"alg":"rs256","kid":%q}`, key.ID), claims), false},
		"no alg":                              {signText(t, key.Private, fmt.Sprintf(`{"kid":%q}`, key.ID), claims), false},
		"alg none with a signature":           {signText(t, key.Private, fmt.Sprintf(`{"alg":"none","kid":%q}`, key.ID), claims), false},
		"alg PS256, signed with RS256":        {signText(t, key.Private, fmt.Sprintf(`{"alg":"PS256","kid":%q}`, key.ID), claims), false},
		"PS256":                               {tokentest.Sign(t, jose.PS256, key.Private, key.ID, tokentest.SelfSigned(u.UserID, here, d.Clock.Now())), false},
		"kid of two":                          {signText(t, key.Private, fmt.Sprintf(`{"alg":"RS256","kid":"1","kid":%q}`, key.ID), claims), false},
		"kid a number":                        {signText(t, key.Private, `{"alg":"RS256","kid":`+key.ID+`}`, claims), false},
		"kid as SQL":                          {signText(t, key.Private, `{"alg":"RS256","kid":"' OR '1'='1"}`, claims), false},
		"kid as a path":                       {signText(t, key.Private, `{"alg":"RS256","kid":"../../dev/null"}`, claims), false},
		"a claim of two":                      {saying(strings.Replace(claims, "{", `{"sub":"1",`, 1)), false},
		"an unknown claim of two":             {saying(strings.Replace(claims, "{", `{"x":1,"x":2,`, 1)), false},
		"claims that are no object":           {saying(`["` + u.UserID + `"]`), false},
		"claims that are no JSON":             {saying(claims + "}"), false},
		"claims that are not UTF-8":           {saying(strings.Replace(claims, "{", "{\"x\":\"\xff\",", 1)), false},
		"a header that is not UTF-8":          {with(",\"x\":\"\xff\""), false},
		"exp as text":                         {saying(strings.Replace(claims, `"exp":`, `"exp":"1",`+`"x":`, 1)), false},
		"aud as an object":                    {saying(strings.Replace(claims, `"aud":"`+here+`"`, `"aud":{"0":"`+here+`"}`, 1)), false},
		"flattened JSON":                      {`{"protected":"` + good[0] + `","payload":"` + good[1] + `","signature":"` + good[2] + `"}`, false},
		"several signatures":                  {`{"payload":"` + good[1] + `","signatures":[{"protected":"` + good[0] + `","signature":"` + good[2] + `"},{"protected":"` + good[0] + `","signature":"` + good[2] + `"}]}`, false},
		"encrypted":                           {strings.Join([]string{b64(`{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}`), "AA", "AA", "AA", "AA"}, "."), false},
		"detached":                            {good[0] + ".." + good[2], false},
		"signed with a key of 1024 bits":      {by(smallKey(), ""), false},
		"signed with a key that nobody knows": {by(otherKey(), ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Tokens.MachineByAssertion(ctx, c.assertion, here)
			if c.good != (err == nil) || err != nil && !errors.Is(err, fault.AssertionInvalid.With()) || c.good && got.ID != u.UserID {
				t.Errorf("the client is %+v, the error %v, because %v", got, err, errors.Unwrap(err))
			}
		})
	}
}
