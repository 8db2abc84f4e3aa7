package token_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// What every call pays to know its caller.
func BenchmarkAuthenticate(b *testing.B) {
	d := tokentest.SQLite(b, []token.SystemUser{{Name: "rsa", PublicKey: rsaKey().Public()}})
	ctx, o := d.Instance(b, here)
	bearers := map[string]string{
		"personal": d.PersonalAccessToken(b, ctx, d.Machine(b, ctx, o), 0).Token,
		"system":   tokentest.Sign(b, jose.RS256, rsaKey(), "", tokentest.SelfSigned("rsa", here, d.Clock.Now())),
	}
	for name, bearer := range bearers {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Tokens.Authenticate(ctx, bearer, []string{here}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What the token endpoint pays beside HTTP.
func BenchmarkMachineByAssertion(b *testing.B) {
	d := tokentest.SQLite(b, nil)
	ctx, o := d.Instance(b, here)
	u := d.Machine(b, ctx, o)
	key := d.MachineKey(b, ctx, u, 0)
	assertion := tokentest.Sign(b, jose.RS256, key.Private, key.ID, tokentest.SelfSigned(u.UserID, here, d.Clock.Now()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Tokens.MachineByAssertion(ctx, assertion, here); err != nil {
			b.Fatal(err)
		}
	}
}

// What the row of a token costs: on SQLite its commit, which is durable.
func BenchmarkIssue(b *testing.B) {
	d := tokentest.SQLite(b, nil)
	ctx, o := d.Instance(b, here)
	u := d.Machine(b, ctx, o)
	key := d.MachineKey(b, ctx, u, 0)
	c := token.Client{ID: u.UserID, UserKey: u.ID, Credential: key.ID}
	g := token.Grant{Client: c, UserKey: u.ID, UserID: u.UserID, Credential: key.ID, Scopes: []string{token.ScopeAPI}, Audience: []string{u.UserID}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Tokens.Issue(ctx, g); err != nil {
			b.Fatal(err)
		}
	}
}
