package fault

import (
	"errors"
	"testing"
)

func TestUnder(t *testing.T) {
	joined := Join(RolesMissing.Field("roles"), LanguageInvalid.Field("human.language"))
	err := Under("admins[2]", joined)
	var f *Fault
	if !errors.As(err, &f) || len(f.Violations()) != 2 {
		t.Fatalf("got %v", err)
	}
	if got := f.Violations()[1].Field; got != "admins[2].human.language" {
		t.Errorf("the field is %q", got)
	}
	if want := "admins[2].roles: must name at least one role; admins[2].human.language: must be a BCP 47 language tag, such as en or de-CH"; f.Error() != want {
		t.Errorf("got %q", f.Error())
	}
	if !errors.Is(err, Invalid) || !errors.Is(err, RolesMissing.With()) {
		t.Errorf("the kind was lost: %v", err)
	}
	for _, other := range []error{nil, errors.New("x"), UserUnknown.With()} {
		if got := Under("admins[2]", other); got != other {
			t.Errorf("%v became %v", other, got)
		}
	}
}
