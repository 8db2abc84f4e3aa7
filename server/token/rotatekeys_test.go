package token_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// Keys are rotated at once where somebody asks for it, by one of the same kind.
func TestRotateKeys(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, _ := d.Instance(t, here)
		elsewhere, _ := d.Instance(t, here)
		empty, _ := d.Instance(t, here)
		row, other := signing(t, d, ctx, token.KeyKind{Algorithm: jose.ES512}), signing(t, d, elsewhere, quick)
		rotate := func(instanceID string, announce time.Duration) (told []token.Rotation, err error) {
			err = d.Tokens.RotateKeys(t.Context(), instanceID, announce, func(r token.Rotation) error {
				told = append(told, r)
				return nil
			})
			return told, err
		}
		told, err := rotate(row.InstanceID, 0)
		if err != nil || len(told) != 1 || told[0].InstanceID != row.InstanceID || told[0].Algorithm != "ES512" || told[0].ActivatesAt != nil {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		if _, keyID := idToken(t, d.Tokens, ctx); keyID != told[0].KeyID || states(t, d, ctx) != "active inactive" || states(t, d, elsewhere) != "active" {
			t.Errorf("the key is %s, the keys are %s", keyID, states(t, d, ctx))
		}
		if told, err = rotate("", 0); err != nil || len(told) != 2 || told[0].InstanceID == told[1].InstanceID {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		if a, b := states(t, d, ctx), states(t, d, elsewhere); a != "active inactive inactive" || b != "active inactive" || states(t, d, empty) != "" {
			t.Errorf("the keys are %s, and %s", a, b)
		}
		for range 2 { // the second announcement replaces the first
			told, err = rotate(other.InstanceID, 48*time.Hour)
			if err != nil || len(told) != 1 || !told[0].ActivatesAt.Equal(d.Clock.Now().Add(48*time.Hour)) || states(t, d, elsewhere) != "initial active inactive" {
				t.Errorf("told is %+v, the error %v, the keys are %s", told, err, states(t, d, elsewhere))
			}
		}
		d.Later(t, 48*time.Hour)
		rotateDue(t, d, rotator(t, d, -1), time.Hour)
		if _, keyID := idToken(t, d.Tokens, elsewhere); keyID != told[0].KeyID {
			t.Errorf("%s signs", keyID)
		}
		id, err := d.Store.Read().Instance.Query().Only(empty)
		if err != nil {
			t.Fatal(err)
		}
		if told, err := rotate(id.InstanceID, 0); err != nil || fmt.Sprint(told) != fmt.Sprint([]token.Rotation{{InstanceID: id.InstanceID}}) {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		if told, err := rotate("unknown", 0); !errors.Is(err, fault.InstanceUnknown.With()) || told != nil {
			t.Errorf("told is %+v, the error %v", told, err)
		}
	})
}
