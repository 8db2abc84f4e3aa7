package fault

import (
	"errors"
	"testing"
)

func TestJoin(t *testing.T) {
	domain, language := DomainInvalid.Field("custom_domain"), LanguageInvalid.Field("default_language")
	other := errors.New("the database is down")
	if err := Join(nil, nil); err != nil {
		t.Errorf("nothing joins to %v", err)
	}
	if err := Join(domain, other, language); !errors.Is(err, other) {
		t.Errorf("another error is lost in %v", err)
	}
	if err := Join(domain, DomainTaken.With("a.example")); !errors.Is(err, AlreadyExists) {
		t.Errorf("a fault of no field is lost in %v", err)
	}
	var f *Fault
	if err := Join(nil, domain, language); !errors.As(err, &f) {
		t.Fatal(err)
	}
	if v := f.Violations(); len(v) != 2 || v[0].Field != "custom_domain" || v[1].Field != "default_language" {
		t.Errorf("the violations are %v", v)
	}
	if f.Message() != domain.Message()+"; "+language.Message() || f.ID() != domain.ID() || len(domain.Violations()) != 1 {
		t.Errorf("got %q, %q; the first has now %v", f.Message(), f.ID(), domain.Violations())
	}
}
