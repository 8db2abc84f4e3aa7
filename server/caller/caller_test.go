package caller

import "testing"

func TestContext(t *testing.T) {
	ctx := t.Context()
	if c := From(ctx); c.Kind != Anonymous || c.ID != "" {
		t.Errorf("nobody is %+v", c)
	}
	if i := InstanceOf(ctx); i != (Instance{}) {
		t.Errorf("nowhere is %+v", i)
	}
	if id := OrganizationID(ctx); id != "" {
		t.Errorf("no organization is %q", id)
	}
	ctx = With(ctx, Caller{Kind: User, ID: "u"})
	ctx = WithInstance(ctx, Instance{ID: "i", Origin: "https://i.example"})
	ctx = WithOrganization(ctx, "o")
	inner := InInstance(WithOrganization(ctx, "p"), "j")
	if got := InstanceOf(inner); got != (Instance{ID: "j", Origin: "https://i.example"}) || OrganizationID(inner) != "p" || From(inner).ID != "u" {
		t.Errorf("inside: %+v, %q, %+v", got, OrganizationID(inner), From(inner))
	}
	if got := InstanceOf(ctx); got.ID != "i" || OrganizationID(ctx) != "o" {
		t.Errorf("outside: %+v, %q", got, OrganizationID(ctx))
	}
}

// Levels are compared: a membership of a higher one counts below. One whose
// level was forgotten has none of them.
func TestLevelsAreInOrder(t *testing.T) {
	if new(Membership).Level >= SystemLevel || SystemLevel >= InstanceLevel || InstanceLevel >= OrganizationLevel {
		t.Error("the levels are not in order")
	}
}
