package oauth

import (
	"errors"
	"testing"

	"github.com/bastide-id/bastide/server/fault"
)

// What was lost while a token was issued, and what does not fit into one, is the
// client's to mend; all else is not.
func TestRefusalOf(t *testing.T) {
	for err, want := range map[error]string{fault.GrantInvalid.With(): invalidGrant, fault.TokenTooLarge.With(1): invalidScope} {
		var refused *refusal
		if !errors.As(refusalOf(err), &refused) || refused.code != want || refused.description == "" || refused.status != 0 {
			t.Errorf("%v: %+v", err, refused)
		}
	}
	for _, err := range []error{errors.New("x"), fault.DatabaseDown.With()} {
		if got := refusalOf(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
