package token_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

func TestAssertion(t *testing.T) {
	tokentest.Each(t, nil, testAssertion)
}

func testAssertion(t *testing.T, d *tokentest.Directory) {
	ctx, o := d.Instance(t, here)
	elsewhere, foreign := d.Instance(t, here)
	u := d.Machine(t, ctx, o)
	colleague := d.Machine(t, ctx, o)
	stranger := d.Machine(t, elsewhere, foreign)
	key := d.MachineKey(t, ctx, u, 0)
	colleagues := d.MachineKey(t, ctx, colleague, 0)
	strangers := d.MachineKey(t, elsewhere, stranger, 0)
	expired := d.MachineKey(t, ctx, u, time.Minute)
	d.Clock.Advance(time.Minute)

	now := d.Clock.Now()
	good := tokentest.SelfSigned(u.UserID, here, now)
	sign := func(claims tokentest.Claims) string {
		return tokentest.Sign(t, jose.RS256, key.Private, key.ID, claims)
	}
	ago := func(age time.Duration) int64 { return now.Add(-age).Unix() }
	for name, c := range map[string]struct {
		assertion string
		good      bool
	}{
		"good":                      {sign(good), true},
		"audience array":            {sign(good.With("aud", []string{"http://other", here})), true},
		"audience token endpoint":   {sign(good.With("aud", here+"/oauth/v2/token")), true},
		"issued an hour ago":        {sign(good.With("iat", ago(time.Hour)+1).With("exp", now.Unix()+1)), true},
		"a clock ahead":             {sign(good.With("iat", ago(-time.Minute)).With("exp", ago(-time.Hour-time.Minute))), true},
		"wrong audience":            {sign(good.With("aud", "http://localhost:8081")), false},
		"audience prefix":           {sign(good.With("aud", here+"/")), false},
		"audience is the path":      {sign(good.With("aud", "/oauth/v2/token")), false},
		"no audience":               {sign(good.With("aud", nil)), false},
		"no issuer":                 {sign(good.With("iss", nil)), false},
		"other issuer":              {sign(good.With("iss", colleague.UserID)), false},
		"no subject":                {sign(good.With("sub", nil)), false},
		"other subject":             {sign(good.With("sub", colleague.UserID)), false},
		"for a colleague":           {sign(tokentest.SelfSigned(colleague.UserID, here, now)), false},
		"by a colleague":            {tokentest.Sign(t, jose.RS256, colleagues.Private, colleagues.ID, good), false},
		"signed by a colleague":     {tokentest.Sign(t, jose.RS256, colleagues.Private, key.ID, good), false},
		"of another instance":       {tokentest.Sign(t, jose.RS256, strangers.Private, strangers.ID, tokentest.SelfSigned(stranger.UserID, here, now)), false},
		"no kid":                    {tokentest.Sign(t, jose.RS256, key.Private, "", good), false},
		"unknown kid":               {tokentest.Sign(t, jose.RS256, key.Private, "0", good), false},
		"kid with NUL":              {tokentest.Sign(t, jose.RS256, key.Private, key.ID+"\x00", good), false},
		"kid without end":           {tokentest.Sign(t, jose.RS256, key.Private, strings.Repeat("1", 201), good), false},
		"expired key":               {tokentest.Sign(t, jose.RS256, expired.Private, expired.ID, good), false},
		"no iat":                    {sign(good.With("iat", nil)), false},
		"iat too old":               {sign(good.With("iat", ago(time.Hour+time.Second)).With("exp", now.Unix()+1)), false},
		"iat too far ahead":         {sign(good.With("iat", ago(-time.Minute-time.Second))), false},
		"no exp":                    {sign(good.With("exp", nil)), false},
		"expired":                   {sign(good.With("exp", now.Unix())), false},
		"valid for too long":        {sign(good.With("exp", ago(-time.Hour-time.Second))), false},
		"valid without end":         {sign(good.With("exp", 1e300)), false},
		"not yet":                   {sign(good.With("nbf", ago(-2*time.Minute))), false},
		"RS384":                     {tokentest.Sign(t, jose.RS384, key.Private, key.ID, good), false},
		"ES256":                     {tokentest.Sign(t, jose.ES256, p256Key(), key.ID, good), false},
		"HS256 with the public key": {tokentest.Sign(t, jose.HS256, pkixPEM(t, key.Private.Public()), key.ID, good), false},
		"alg none":                  {unsigned(payload(t, sign(good))), false},
		"cut":                       {sign(good)[:len(sign(good))-4], false},
		"empty":                     {"", false},
		"longer than the bound":     {sign(good.With("x", strings.Repeat("x", 8<<10))), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Tokens.MachineByAssertion(ctx, c.assertion, here)
			if !c.good {
				if !errors.Is(err, fault.AssertionInvalid.With()) || err.Error() != fault.AssertionInvalid.With().Error() || !reflect.DeepEqual(got, token.Client{}) {
					t.Errorf("the client is %+v, the error %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			if want := (token.Client{ID: u.UserID, OrganizationID: o.OrganizationID, Credential: key.ID, UserKey: u.ID}); !reflect.DeepEqual(got, want) {
				t.Errorf("the client is %+v, not %+v", got, want)
			}
		})
	}
	if _, err := d.Tokens.MachineByAssertion(ctx, sign(good), ""); !errors.Is(err, fault.AssertionInvalid.With()) {
		t.Errorf("no issuer: the error is %v", err)
	}
	testAssertionStates(t, d, ctx, sign(good), u, o)
}

// testAssertionStates turns off what an assertion depends on.
func testAssertionStates(t *testing.T, d *tokentest.Directory, ctx context.Context, assertion string, u *ent.User, o *ent.Organization) {
	t.Helper()
	bad := func() {
		t.Helper()
		if _, err := d.Tokens.MachineByAssertion(ctx, assertion, here); !errors.Is(err, fault.AssertionInvalid.With()) {
			t.Errorf("the error is %v", err)
		}
	}
	for _, state := range []user.State{user.StateInactive, user.StateLocked, user.StateInitial} {
		d.SetUserState(t, ctx, u, state)
		bad()
	}
	d.SetUserState(t, ctx, u, user.StateActive)
	d.SetOrganizationState(t, ctx, o, organization.StateInactive)
	bad()
	d.SetOrganizationState(t, ctx, o, organization.StateActive)
	if _, err := d.Tokens.MachineByAssertion(ctx, assertion, here); err != nil {
		t.Error(err)
	}
	d.SetUserState(t, ctx, u, user.StateActive) // nothing is held of it
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.Tokens.MachineByAssertion(gone, assertion, here); err == nil || errors.Is(err, fault.AssertionInvalid.With()) {
		t.Errorf("without a database the error is %v", err)
	}
	if _, err := d.Tokens.MachineByAssertion(caller.WithInstance(ctx, caller.Instance{Origin: here}), assertion, here); err == nil {
		t.Error("an assertion is accepted in no instance")
	}
}

func FuzzMachineByAssertion(f *testing.F) {
	d := tokentest.SQLite(f, nil)
	ctx, o := d.Instance(f, here)
	u := d.Machine(f, ctx, o)
	key := d.MachineKey(f, ctx, u, 0)
	good := tokentest.Sign(f, jose.RS256, key.Private, key.ID, tokentest.SelfSigned(u.UserID, here, d.Clock.Now()))
	for _, seed := range []string{"", good, "e30.e30.", good[:len(good)-1], unsigned(`{"iss":"` + u.UserID + `"}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, assertion string) {
		got, err := d.Tokens.MachineByAssertion(ctx, assertion, here)
		switch {
		case assertion == good && (err != nil || got.ID != u.UserID):
			t.Errorf("a good assertion was refused: %v", err)
		case assertion != good && !errors.Is(err, fault.AssertionInvalid.With()):
			t.Errorf("%q: the client is %+v, the error %v", assertion, got, err)
		}
	})
}
