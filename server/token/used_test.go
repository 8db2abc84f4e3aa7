package token_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// An assertion with a `jti` is accepted once until it expires (RFC 7523, 3).
func TestJTI(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		elsewhere, foreign := d.Instance(t, here)
		u, stranger := d.Machine(t, ctx, o), d.Machine(t, elsewhere, foreign)
		key, second, strangers := d.MachineKey(t, ctx, u, 0), d.MachineKey(t, ctx, u, 0), d.MachineKey(t, elsewhere, stranger, 0)
		try := func(ctx context.Context, k tokentest.Key, jti any, change ...any) bool {
			t.Helper()
			claims := tokentest.SelfSigned(k.UserID, here, d.Clock.Now()).With("jti", jti)
			for i := 0; i < len(change); i += 2 {
				claims = claims.With(change[i].(string), change[i+1])
			}
			_, err := d.Tokens.MachineByAssertion(ctx, tokentest.Sign(t, jose.RS256, k.Private, k.ID, claims), here)
			if err != nil && !errors.Is(err, fault.AssertionInvalid.With()) {
				t.Fatal(err)
			}
			return err == nil
		}
		for _, c := range []struct {
			name string
			ctx  context.Context
			key  tokentest.Key
			jti  any
			good bool
		}{
			{"the first", ctx, key, "a", true},
			{"again", ctx, key, "a", false},
			{"another jti", ctx, key, "b", true},
			{"in another case", ctx, key, "A", true},
			{"of another key of the user", ctx, second, "a", true},
			{"of another instance", elsewhere, strangers, "a", true},
			{"none", ctx, key, nil, true},
			{"none again", ctx, key, nil, true},
			{"empty", ctx, key, "", true},
			{"the longest", ctx, key, strings.Repeat("x", 200), true},
			{"too long", ctx, key, strings.Repeat("x", 201), false},
			{"with U+0000", ctx, key, "a\x00", true},
			{"a number", ctx, key, 1, false},
			{"a list", ctx, key, []string{"c"}, false},
			{"an object", ctx, key, map[string]string{"c": "c"}, false},
			{"true", ctx, key, true, false},
		} {
			if got := try(c.ctx, c.key, c.jti); got != c.good {
				t.Errorf("%s: accepted %t", c.name, got)
			}
		}
		// What is refused for another reason is not used up.
		if try(ctx, key, "c", "aud", "elsewhere") || !try(ctx, key, "c") {
			t.Error("a jti was used up by a bad assertion")
		}
		// Another assertion does not free it while the first one is valid.
		d.Clock.Advance(time.Hour - time.Second)
		if try(ctx, key, "a") {
			t.Error("an assertion of another time frees the jti")
		}
		d.Clock.Advance(2 * time.Minute)
		if !try(ctx, key, "a") || try(ctx, key, "a") {
			t.Error("after its time the jti is not good once")
		}
	})
}

// Of many callers with one assertion at the same moment one is let in.
func TestJTIOfManyCallers(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		key := d.MachineKey(t, ctx, u, 0)
		assertion := tokentest.Sign(t, jose.RS256, key.Private, key.ID, tokentest.SelfSigned(u.UserID, here, d.Clock.Now()).With("jti", "a"))
		var accepted, refused atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				switch _, err := d.Tokens.MachineByAssertion(ctx, assertion, here); {
				case err == nil:
					accepted.Add(1)
				case errors.Is(err, fault.AssertionInvalid.With()):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if accepted.Load() != 1 || refused.Load() != 15 {
			t.Errorf("%d were accepted, %d refused", accepted.Load(), refused.Load())
		}
	})
}
