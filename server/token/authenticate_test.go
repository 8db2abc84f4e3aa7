package token_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// refused fails the test unless the token is refused in the one way.
func refused(t *testing.T, d *tokentest.Directory, ctx context.Context, bearer string) {
	t.Helper()
	c, err := d.Tokens.Authenticate(ctx, bearer, nil)
	if !errors.Is(err, fault.TokenInvalid.With()) || err.Error() != fault.TokenInvalid.With().Error() {
		t.Errorf("the error is %v", err)
	}
	if c.Kind != caller.Anonymous || c.ID != "" || c.Memberships != nil {
		t.Errorf("the caller is %+v", c)
	}
}

// accepted fails the test unless the token is that of the user.
func accepted(t *testing.T, d *tokentest.Directory, ctx context.Context, bearer string, want caller.Caller) {
	t.Helper()
	got, err := d.Tokens.Authenticate(ctx, bearer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != want.Kind || got.ID != want.ID || got.PrimaryKey != want.PrimaryKey || got.OrganizationID != want.OrganizationID {
		t.Fatalf("the caller is %+v, not %+v", got, want)
	}
}

func TestAuthenticateOpaque(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, "http://a.localhost")
		elsewhere, _ := d.Instance(t, "http://b.localhost")
		nowhere := caller.WithInstance(ctx, caller.Instance{Origin: "http://c.localhost"})
		u := d.Machine(t, ctx, o)
		want := caller.Caller{Kind: caller.User, ID: u.UserID, PrimaryKey: u.ID, OrganizationID: o.OrganizationID}
		access := d.AccessToken(t, ctx, u, token.ScopeOpenID, token.ScopeAPI)
		for name, bearer := range map[string]string{"personal": d.PersonalAccessToken(t, ctx, u, 0).Token, "access": access} {
			t.Run(name, func(t *testing.T) {
				accepted(t, d, ctx, bearer, want)
				refused(t, d, elsewhere, bearer)
				refused(t, d, nowhere, bearer)
				refused(t, d, ctx, bearer[:len(bearer)-1])
				refused(t, d, ctx, bearer+"0")
				refused(t, d, ctx, " "+bearer)
				for _, state := range []user.State{user.StateInactive, user.StateLocked, user.StateInitial} {
					d.SetUserState(t, ctx, u, state)
					refused(t, d, ctx, bearer)
				}
				d.SetUserState(t, ctx, u, user.StateActive)
				accepted(t, d, ctx, bearer, want)
				d.SetOrganizationState(t, ctx, o, organization.StateInactive)
				refused(t, d, ctx, bearer)
				d.SetOrganizationState(t, ctx, o, organization.StateActive)
				accepted(t, d, ctx, bearer, want)
			})
		}
		for _, bearer := range []string{"", ".", "..", "...", "a.b.c", id.NewToken(id.PersonalAccessToken), id.NewToken(id.AccessToken), id.NewToken("other_"), "\x00"} {
			refused(t, d, ctx, bearer)
		}
	})
}

func TestExpiry(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, "http://a.localhost")
		u := d.Machine(t, ctx, o)
		want := caller.Caller{Kind: caller.User, ID: u.UserID, PrimaryKey: u.ID, OrganizationID: o.OrganizationID}
		forever := d.PersonalAccessToken(t, ctx, u, 0).Token
		minute := d.PersonalAccessToken(t, ctx, u, time.Minute).Token
		access := d.AccessToken(t, ctx, u, token.ScopeAPI)
		d.Clock.Advance(time.Minute - time.Microsecond)
		accepted(t, d, ctx, minute, want)
		d.Clock.Advance(time.Microsecond)
		refused(t, d, ctx, minute)
		d.Clock.Advance(token.Lifetime - time.Minute - time.Microsecond)
		accepted(t, d, ctx, access, want)
		d.Clock.Advance(time.Microsecond)
		refused(t, d, ctx, access)
		accepted(t, d, ctx, forever, want)
	})
}

// An access token that was not asked for with the scope of the API is none for
// the API.
func TestScopeOfAPI(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, "http://a.localhost")
	u := d.Machine(t, ctx, o)
	for _, scopes := range [][]string{{}, {token.ScopeOpenID}, {token.ScopeAPI + "x"}} {
		access := d.AccessToken(t, ctx, u, scopes...)
		refused(t, d, ctx, access)
	}
}

// A database that cannot answer is no bad token.
func TestAuthenticateWithoutDatabase(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	ctx, o := d.Instance(t, "http://a.localhost")
	pat := d.PersonalAccessToken(t, ctx, d.Machine(t, ctx, o), 0)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.Tokens.Authenticate(gone, pat.Token, nil); err == nil || errors.Is(err, fault.Unauthenticated) {
		t.Errorf("the error is %v", err)
	}
}

func FuzzAuthenticate(f *testing.F) {
	d := tokentest.SQLite(f, []token.SystemUser{{Name: "ops", PublicKey: opsKey().Public()}})
	ctx, o := d.Instance(f, "http://a.localhost")
	pat := d.PersonalAccessToken(f, ctx, d.Machine(f, ctx, o), 0).Token
	signed := tokentest.Sign(f, "EdDSA", opsKey(), "", tokentest.SelfSigned("ops", "http://a.localhost", d.Clock.Now()))
	for _, seed := range []string{"", pat, signed, id.NewToken(id.AccessToken), "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJvcHMifQ."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bearer string) {
		c, err := d.Tokens.Authenticate(ctx, bearer, []string{"http://a.localhost"})
		known := bearer == pat || bearer == signed
		switch {
		case known && err != nil:
			t.Errorf("a good token was refused: %v", err)
		case !known && !errors.Is(err, fault.TokenInvalid.With()):
			t.Errorf("%q: the caller is %+v, the error %v", bearer, c, err)
		}
	})
}
