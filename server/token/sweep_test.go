package token_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// addTokens gives a user access tokens that end at a time.
func addTokens(t *testing.T, d *tokentest.Directory, ctx context.Context, u *ent.User, n int, end time.Time) {
	t.Helper()
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		for at := 0; at < n; at += 500 {
			var rows []*ent.AccessTokenCreate
			for range min(500, n-at) {
				id, err := d.Store.NewID()
				if err != nil {
					return err
				}
				rows = append(rows, tx.AccessToken.Create().SetTokenID(id).SetHash([]byte(id)).SetUserPk(u.ID).
					SetScopes([]string{}).SetAudience([]string{}).SetExpiresAt(end).SetCreatedAt(tx.Now()))
			}
			if err := tx.AccessToken.CreateBulk(rows...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// addAssertion notes a used assertion that ends at a time.
func addAssertion(t *testing.T, d *tokentest.Directory, ctx context.Context, hash string, end time.Time) {
	t.Helper()
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := tx.Instance.Query().Only(ctx)
		if err != nil {
			return err
		}
		return tx.UsedAssertion.Create().SetInstancePk(i.ID).SetHash([]byte(hash)).SetExpiresAt(end).Exec(ctx)
	})
}

// left counts the tokens and the used assertions of all instances.
func left(t *testing.T, d *tokentest.Directory) (tokens, assertions int) {
	t.Helper()
	ctx := across.Instances(t.Context())
	tokens, err := d.Store.Read().AccessToken.Query().Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if assertions, err = d.Store.Read().UsedAssertion.Query().Count(ctx); err != nil {
		t.Fatal(err)
	}
	return tokens, assertions
}

// What has expired goes in every instance, and nothing else does; then it is
// known when there is something to do next.
func TestSweep(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		if next, err := d.Tokens.Sweep(t.Context()); err != nil || !next.IsZero() {
			t.Errorf("without tokens there is something to do at %v, the error is %v", next, err)
		}
		now := d.Clock.Now()
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		elsewhere, foreign := d.Instance(t, here)
		stranger := d.Machine(t, elsewhere, foreign)
		addTokens(t, d, ctx, u, 2500, now.Add(-time.Second))
		addTokens(t, d, ctx, u, 1, now) // expires in this moment
		addTokens(t, d, ctx, u, 2, now.Add(time.Hour))
		addTokens(t, d, elsewhere, stranger, 3, now.Add(-time.Hour))
		addTokens(t, d, elsewhere, stranger, 1, now.Add(time.Microsecond))
		addAssertion(t, d, ctx, "old", now.Add(-time.Second))
		addAssertion(t, d, ctx, "new", now.Add(time.Minute))
		addAssertion(t, d, elsewhere, "old", now.Add(-time.Hour))
		before, err := d.Store.Read().User.Get(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		events, err := d.Store.Read().Event.Query().Count(across.Instances(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		next, err := d.Tokens.Sweep(t.Context())
		if err != nil || !next.Equal(now.Add(time.Microsecond)) {
			t.Errorf("the next one expires at %v and not a microsecond after %v, the error is %v", next, now, err)
		}
		if tokens, assertions := left(t, d); tokens != 3 || assertions != 1 {
			t.Errorf("%d tokens and %d assertions are left", tokens, assertions)
		}
		d.Clock.Advance(time.Second)
		if next, err = d.Tokens.Sweep(t.Context()); err != nil || !next.Equal(now.Add(time.Minute)) {
			t.Errorf("then the next one expires at %v, the error is %v", next, err)
		}
		after, err := d.Store.Read().User.Get(ctx, u.ID)
		if err != nil || !after.ChangedAt.Equal(before.ChangedAt) || after.Sequence != before.Sequence {
			t.Errorf("sweeping changed the user: %v", err)
		}
		if n, err := d.Store.Read().Event.Query().Count(across.Instances(t.Context())); err != nil || n != events {
			t.Errorf("sweeping recorded %d events, the error is %v", n-events, err)
		}
	})
}

// A batch takes no more than it may, and several processes share the work: none
// waits for what another one is about to delete.
func TestSweepInBatches(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		addTokens(t, d, ctx, u, 25, d.Clock.Now())
		addAssertion(t, d, ctx, "old", d.Clock.Now())
		batch := func(want int, within func()) {
			t.Helper()
			d.Write(t, across.Instances(t.Context()), func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.Sweep(ctx, 10)
				if n != want {
					t.Errorf("a batch has %d rows, want %d", n, want)
				}
				within()
				return err
			})
		}
		batch(10, func() {
			if d.Postgres { // SQLite has one writer
				batch(10, func() {})
			}
		})
		if !d.Postgres {
			batch(10, func() {})
		}
		batch(6, func() {}) // five tokens and the assertion
		batch(0, func() {})
		err := d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Sweep(ctx, 10)
			return err
		})
		if err == nil {
			t.Error("an instance sweeps in others")
		}
	})
}

// asked is a context that does something each time Write asks whether it has
// ended, which is before anything else.
type asked struct {
	context.Context
	then func()
}

func (a asked) Err() error {
	var callers [8]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); strings.HasSuffix(frame.Function, ".(*Store).turnToWrite") {
			a.then()
		} else if strings.Contains(frame.Function, ".(*Store).") {
			break // in the transaction
		}
	}
	return a.Context.Err()
}

// Between two batches others have their turn, and a sweep that is told to end
// does so there.
func TestSweepGivesWay(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		addTokens(t, d, ctx, u, 2500, d.Clock.Now())
		ended, stop := context.WithCancel(t.Context())
		var seen []int
		_, err := d.Tokens.Sweep(asked{ended, func() {
			// As a writer: it would wait for ever if the batches were one transaction.
			addAssertion(t, d, ctx, fmt.Sprint(len(seen)), d.Clock.Now().Add(time.Hour))
			tokens, _ := left(t, d)
			if seen = append(seen, tokens); len(seen) == 3 {
				stop()
			}
		}})
		if !errors.Is(err, context.Canceled) || !slices.Equal(seen, []int{2500, 1500, 500}) {
			t.Errorf("before the batches there were %v tokens, the error is %v", seen, err)
		}
		if tokens, assertions := left(t, d); tokens != 500 || assertions != 3 {
			t.Errorf("%d tokens and %d assertions are left", tokens, assertions)
		}
	})
}
