package token_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const (
	day = 24 * time.Hour
	// gone is when nothing that a key signed is valid any more, and a minute.
	gone = token.Lifetime + time.Minute
)

var quick = token.KeyKind{Algorithm: jose.ES256}

// rotator returns tokens on the same database with another lifetime of keys.
func rotator(t *testing.T, d *tokentest.Directory, lifetime time.Duration) *token.Tokens {
	t.Helper()
	tokens, err := token.New(token.Options{Store: d.Store, MasterKey: d.MasterKey, KeyPairs: -1, KeyLifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// states returns the states of the keys of an instance, the newest first.
func states(t *testing.T, d *tokentest.Directory, ctx context.Context) string {
	t.Helper()
	rows, err := d.Tokens.SigningKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		all = append(all, string(row.State))
	}
	return strings.Join(all, " ")
}

// happened returns the types of the events of all keys of an instance.
func happened(t *testing.T, d *tokentest.Directory, ctx context.Context) string {
	t.Helper()
	events, err := d.Store.Read().Event.Query().Where(event.AggregateType(store.WebKeyType)).Order(ent.Asc(event.FieldID)).All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range events {
		all = append(all, strings.TrimPrefix(e.Type, "web_key."))
		if e.EditorType != event.EditorTypeNone {
			t.Errorf("%s was done by %s %s", e.Type, e.EditorType, e.EditorID)
		}
	}
	return strings.Join(all, " ")
}

// rotateDue does what is due, and checks when something is due next.
func rotateDue(t *testing.T, d *tokentest.Directory, tokens *token.Tokens, want time.Duration) {
	t.Helper()
	next, err := tokens.RotateDue(t.Context())
	if in := next.Sub(d.Clock.Now()); err != nil || in != want {
		t.Errorf("something is due in %s, the error is %v", in, err)
	}
}

// A token that was signed before a rotation is verified until it expires; then
// the key that signed it is gone.
func TestRotationOverlaps(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		first := signing(t, d, ctx, quick)
		before, _ := idToken(t, d.Tokens, ctx)
		second := signing(t, d, ctx, quick)
		after, keyID := idToken(t, d.Tokens, ctx)
		if keyID != second.KeyID {
			t.Error("the former key signs, which was held ready")
		}
		d.Later(t, token.Lifetime-time.Second)
		set, _ := publicKeys(t, d, ctx)
		if len(set.Keys) != 2 || set.Keys[0].KeyID != second.KeyID || set.Keys[1].KeyID != first.KeyID {
			t.Fatalf("the keys are %v", set.Keys)
		}
		if !verifies(t, set, before) || !verifies(t, set, after) {
			t.Error("a token that is valid is not verified")
		}
		rotateDue(t, d, d.Tokens, time.Minute+time.Second)
		d.Later(t, time.Minute+time.Second)
		if set, _ := publicKeys(t, d, ctx); len(set.Keys) != 1 || verifies(t, set, before) || !verifies(t, set, after) {
			t.Errorf("once the token has expired, the keys are %v", set.Keys)
		}
		rotateDue(t, d, d.Tokens, time.Hour)
		if got := states(t, d, ctx); got != "active" {
			t.Errorf("the keys are %s", got)
		}
	})
}

// The schedule announces a key of the same kind, has it sign, retires the former
// one and removes it.
func TestScheduledRotation(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		elsewhere, _ := d.Instance(t, here)
		empty, _ := d.Instance(t, here)
		signing(t, d, ctx, token.KeyKind{Algorithm: jose.ES384})
		step := func(advance, next time.Duration, want string) {
			t.Helper()
			d.Later(t, advance)
			rotateDue(t, d, d.Tokens, next)
			if got := states(t, d, ctx); got != want {
				t.Errorf("the keys are %s, not %s", got, want)
			}
		}
		step(0, time.Hour, "active")
		step(90*day-time.Minute, time.Minute, "active")
		signing(t, d, elsewhere, quick) // whose time is to come
		step(time.Minute, time.Hour, "initial active")
		rows, err := d.Tokens.SigningKeys(ctx)
		if err != nil || rows[0].Algorithm != "ES384" || !rows[0].ActivatesAt.Equal(d.Clock.Now().Add(day)) {
			t.Errorf("the announced key is %v, the error %v", rows, err)
		}
		if set, _ := publicKeys(t, d, ctx); len(set.Keys) != 2 {
			t.Errorf("%d keys are published", len(set.Keys))
		}
		before, keyID := idToken(t, d.Tokens, ctx)
		if keyID != rows[1].KeyID {
			t.Error("an announced key signs")
		}
		step(day-time.Second, time.Second, "initial active")
		step(time.Second, time.Hour, "active inactive")
		if _, keyID := idToken(t, d.Tokens, ctx); keyID != rows[0].KeyID {
			t.Error("the announced key does not sign at its time")
		}
		if set, _ := publicKeys(t, d, ctx); !verifies(t, set, before) {
			t.Error("what the retired key signed is not verified")
		}
		step(gone-time.Minute, time.Minute, "active inactive")
		step(time.Minute, time.Hour, "active")
		if got, want := happened(t, d, ctx), "added activated added deactivated activated removed"; got != want {
			t.Errorf("the history says %s, not %s", got, want)
		}
		if got := states(t, d, elsewhere) + happened(t, d, elsewhere); got != "activeadded activated" {
			t.Errorf("another instance has %s", got)
		}
		if got := states(t, d, empty); got != "" {
			t.Errorf("an instance that signs nothing has %s", got)
		}
	})
}

// A short lifetime has a short announcement; a negative one has none, but what
// was announced and retired otherwise goes its way.
func TestRotationLifetimes(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		signing(t, d, ctx, quick)
		d.Later(t, 10*365*day)
		rotateDue(t, d, rotator(t, d, -1), time.Hour)
		if got := states(t, d, ctx); got != "active" {
			t.Errorf("the keys are %s", got)
		}
		rotateDue(t, d, rotator(t, d, time.Hour), 15*time.Minute)
		d.Later(t, 15*time.Minute)
		rotateDue(t, d, rotator(t, d, -1), time.Hour)
		if got := states(t, d, ctx); got != "active inactive" {
			t.Errorf("the keys are %s", got)
		}
		d.Later(t, gone)
		rotateDue(t, d, rotator(t, d, -1), time.Hour)
		if got := states(t, d, ctx); got != "active" {
			t.Errorf("the keys are %s", got)
		}
	})
}

// Several processes rotate at once, and each instance is rotated once, also
// where there are more than one batch. What belongs to a removed instance is left
// alone.
func TestRotationByManyProcesses(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		var all []context.Context
		const number, batch = 13, 4
		for range number {
			ctx, _ := d.Instance(t, here)
			signing(t, d, ctx, quick)
			all = append(all, ctx)
		}
		removed := all[number/2]
		d.Write(t, removed, func(ctx context.Context, tx *store.Tx) error {
			i, err := tx.Instance.Query().Only(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.Record(ctx, store.InstanceRemoved, store.InstanceObject(i), store.Payload{}); err != nil {
				return err
			}
			return tx.Instance.UpdateOne(i).SetState(instance.StateRemoved).Exec(ctx)
		})
		for _, want := range []string{"initial active", "active inactive", "initial active"} {
			d.Later(t, 90*day)
			var together sync.WaitGroup
			for range 3 {
				tokens := rotator(t, d, 0)
				tokens.InBatches(batch)
				together.Go(func() {
					if _, err := tokens.RotateDue(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			together.Wait()
			for _, ctx := range all {
				if got := states(t, d, ctx); ctx != removed && got != want {
					t.Errorf("the keys are %s, not %s", got, want)
				}
			}
		}
		rotateDue(t, d, d.Tokens, time.Hour)
		told := map[string]int{}
		d.Tokens.InBatches(batch)
		err := d.Tokens.RotateKeys(t.Context(), "", 0, func(r token.Rotation) error {
			if told[r.InstanceID]++; told[r.InstanceID] > 1 {
				return errors.New("an instance is rotated twice")
			}
			return nil
		})
		if err != nil || len(told) != len(all)-1 {
			t.Errorf("%d instances were rotated, the error is %v", len(told), err)
		}
		if got := states(t, d, removed); got != "active" {
			t.Errorf("the keys of a removed instance are %s", got)
		}
	})
}

// A rotation ends with its context, between two instances.
func TestRotationEnds(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	for range 3 {
		ctx, _ := d.Instance(t, here)
		signing(t, d, ctx, quick)
	}
	d.Later(t, 91*day)
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := d.Tokens.RotateDue(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	left := errors.New("left")
	number := 0
	err := d.Tokens.RotateKeys(t.Context(), "", 0, func(token.Rotation) error {
		number++
		return left
	})
	if !errors.Is(err, left) || number != 1 {
		t.Errorf("%d were told, the error is %v", number, err)
	}
}

// What goes wrong in one instance is told, and does not keep the others.
func TestRotationPassesBy(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		var row *ent.SigningKey
		for range 12 {
			row = failing(t, d)
		}
		good, _ := d.Instance(t, here)
		signing(t, d, good, quick)
		d.Later(t, 90*day)
		_, err := d.Tokens.RotateDue(t.Context())
		if err == nil || strings.Count(err.Error(), "token: instance ") != 10 || !strings.Contains(err.Error(), "2 more") || strings.Contains(err.Error(), row.InstanceID) {
			t.Errorf("the error is %v", err)
		}
		if got := states(t, d, good); got != "initial active" {
			t.Errorf("the keys of the other instance are %s", got)
		}
	})
}

// failing makes an instance whose key has no successor: of which kind it is
// cannot be told.
func failing(t *testing.T, d *tokentest.Directory) *ent.SigningKey {
	t.Helper()
	bad, _ := d.Instance(t, here)
	row := signing(t, d, bad, quick)
	d.Write(t, bad, func(ctx context.Context, tx *store.Tx) error {
		i, err := tx.Instance.Query().Only(ctx)
		if err != nil {
			return err
		}
		broken := *row
		broken.PublicKey = []byte("broken")
		if err := tx.SigningKey.UpdateOne(row).SetState(signingkey.StateInactive).SetRetiredAt(tx.Now().Add(200 * day)).Exec(ctx); err != nil {
			return err
		}
		if err := saveActive(ctx, tx, i, &broken, "1"); err != nil {
			return err
		}
		return tx.SigningKey.Update().Where(signingkey.KeyID("1")).SetActivatedAt(tx.Now()).Exec(ctx)
	})
	return row
}
