package token_test

import (
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/server/store/across"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Issuing access tokens removes those of the instance that are expired, some at
// a time; no other token goes.
func TestExpiredAccessTokensGo(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, other := d.Instance(t, here)
		u, stranger := d.Machine(t, ctx, o), d.Machine(t, elsewhere, other)
		if _, err := d.Tokens.IssueAccessToken(elsewhere, stranger, nil); err != nil {
			t.Fatal(err)
		}
		const expired = 15
		for range expired {
			if _, err := d.Tokens.IssueAccessToken(ctx, u, nil); err != nil {
				t.Fatal(err)
			}
		}
		d.Clock.Advance(token.Lifetime - time.Second)
		for _, step := range []struct {
			later time.Duration
			want  int
		}{{0, expired + 1}, {time.Second, expired + 2 - 10}, {0, 3}, {0, 4}} {
			d.Clock.Advance(step.later)
			if _, err := d.Tokens.IssueAccessToken(ctx, u, nil); err != nil {
				t.Fatal(err)
			}
			if n, err := d.Store.Read().AccessToken.Query().Count(ctx); err != nil || n != step.want {
				t.Errorf("%d tokens, %v; want %d", n, err, step.want)
			}
		}
		rows, err := d.Store.Read().AccessToken.Query().Where(accesstoken.ExpiresAtLTE(d.Store.Now())).All(across.Instances(ctx))
		if err != nil || len(rows) != 1 || rows[0].UserPk != stranger.ID {
			t.Errorf("expired are %v, %v; want only that of the other instance", rows, err)
		}
	})
}
