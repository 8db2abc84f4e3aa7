package token_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

func TestLastUse(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, foreign := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		used, unused := d.PersonalAccessToken(t, ctx, u, 0), d.PersonalAccessToken(t, ctx, u, 0)
		abroad := d.PersonalAccessToken(t, elsewhere, d.Machine(t, elsewhere, foreign), 0)
		position, err := d.Store.Position(ctx)
		if err != nil {
			t.Fatal(err)
		}
		before := d.Clock.Now()
		for range 3 {
			d.Clock.Advance(time.Second)
			if _, err := d.Tokens.Authenticate(ctx, used.Token, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Tokens.Authenticate(elsewhere, abroad.Token, nil); err != nil {
			t.Fatal(err)
		}
		refused(t, d, elsewhere, unused.Token)
		d.Clock.Advance(time.Hour)
		if err := d.Tokens.Close(); err != nil {
			t.Fatal(err)
		}
		rows, err := d.Store.Read().PersonalAccessToken.Query().Order(personalaccesstoken.ByID()).All(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at := before.Add(3 * time.Second)
		if rows[0].LastUsedAt == nil || !rows[0].LastUsedAt.Equal(at) || !rows[0].ChangedAt.Equal(before) {
			t.Errorf("the token was last used at %v and changed at %v, not %v and %v", rows[0].LastUsedAt, rows[0].ChangedAt, at, before)
		}
		if rows[1].LastUsedAt != nil {
			t.Errorf("a token that nobody used was last used at %v", rows[1].LastUsedAt)
		}
		row, err := d.Store.Read().PersonalAccessToken.Query().Only(elsewhere)
		if err != nil || row.LastUsedAt == nil || !row.LastUsedAt.Equal(at) {
			t.Errorf("in another instance the token is %v, the error %v", row, err)
		}
		if now, err := d.Store.Position(ctx); err != nil || now != position {
			t.Errorf("the use of a token is an event: %d, %v", now, err)
		}
	})
}

// What is noted is written in the background, without anyone asking.
func TestLastUseInBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tokentest.SQLite(t, nil)
		ctx, o := d.Instance(t, here)
		pat := d.PersonalAccessToken(t, ctx, d.Machine(t, ctx, o), 0)
		d.Tokens.Start()
		for range 2 {
			d.Clock.Advance(time.Second)
			if _, err := d.Tokens.Authenticate(ctx, pat.Token, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // of the bubble's clock
			row, err := d.Store.Read().PersonalAccessToken.Query().Only(ctx)
			if err != nil || row.LastUsedAt == nil || !row.LastUsedAt.Equal(d.Clock.Now()) {
				t.Errorf("after a while the token is %v, the error %v", row, err)
			}
		}
		if err := d.Tokens.Close(); err != nil {
			t.Error(err)
		}
	})
}
