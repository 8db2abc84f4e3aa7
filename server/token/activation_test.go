package token_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Callers who activate keys at once leave one that is active.
func TestActivationAtOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		var ids []string
		for range 4 {
			row, err := d.Tokens.CreateSigningKey(ctx, quick)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, row.KeyID)
		}
		var all sync.WaitGroup
		for _, keyID := range slices.Concat(ids, ids) {
			all.Go(func() {
				if _, err := d.Tokens.ActivateSigningKey(ctx, keyID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		rows, err := d.Tokens.SigningKeys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		number := 0
		for _, row := range rows {
			if row.State == signingkey.StateActive {
				number++
			}
			if (row.State == signingkey.StateInactive) != (row.RetiredAt != nil) {
				t.Errorf("the key is %s since %v", row.State, row.RetiredAt)
			}
		}
		if number != 1 || len(rows) != 4 {
			t.Errorf("of %d keys %d are active", len(rows), number)
		}
	})
}

// A key that was announced does not follow one that somebody chose meanwhile,
// and a key that signs again is retired anew.
func TestActivationWithdrawsTheAnnouncement(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		first := signing(t, d, ctx, quick)
		d.Later(t, 90*day)
		rotateDue(t, d, d.Tokens, time.Hour)
		chosen := signing(t, d, ctx, token.KeyKind{Algorithm: jose.EdDSA})
		if got := states(t, d, ctx); got != "active inactive" {
			t.Errorf("the keys are %s", got)
		}
		d.Later(t, token.Lifetime)
		if _, err := d.Tokens.ActivateSigningKey(ctx, first.KeyID); err != nil {
			t.Fatal(err)
		}
		d.Later(t, gone)
		rotateDue(t, d, d.Tokens, time.Hour)
		rows, err := d.Tokens.SigningKeys(ctx)
		if err != nil || len(rows) != 1 || rows[0].KeyID != first.KeyID || rows[0].RetiredAt != nil {
			t.Errorf("beside %s the keys are %v, the error is %v", chosen.KeyID, rows, err)
		}
		if got, want := happened(t, d, ctx), "added activated added added removed deactivated activated deactivated activated removed"; got != want {
			t.Errorf("the history says %s, not %s", got, want)
		}
	})
}

// A key that was removed signs nothing more, though it was held ready.
func TestRemovedKeySignsNothing(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		first := signing(t, d, ctx, quick)
		text, _ := idToken(t, d.Tokens, ctx)
		if _, err := d.Tokens.RemoveSigningKey(ctx, first.KeyID); !errors.Is(err, fault.WebKeyActive.With()) {
			t.Errorf("the error is %v", err)
		}
		second := signing(t, d, ctx, quick)
		at, err := d.Tokens.RemoveSigningKey(ctx, first.KeyID)
		if err != nil || at == nil || !at.Equal(d.Clock.Now()) {
			t.Errorf("the key went at %v, the error is %v", at, err)
		}
		if at, err := d.Tokens.RemoveSigningKey(ctx, first.KeyID); at != nil || err != nil {
			t.Errorf("the key went again at %v, the error is %v", at, err)
		}
		set, _ := publicKeys(t, d, ctx)
		if _, keyID := idToken(t, d.Tokens, ctx); keyID != second.KeyID || verifies(t, set, text) {
			t.Errorf("the token is signed by %s", keyID)
		}
	})
}
