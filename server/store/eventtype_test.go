package store

import (
	"regexp"
	"slices"
	"testing"
)

// A type has the name of an aggregate in front and a verb at its end; none is
// there twice, and a list of all leaves none out.
func TestEventTypes(t *testing.T) {
	form := regexp.MustCompile(`^(instance|restrictions|org|user|project|web_key)(\.[a-z_]+)*\.[a-z]+$`)
	all := EventTypes()
	if !slices.IsSorted(all) || len(all) < 100 || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("%d types, sorted %t", len(all), slices.IsSorted(all))
	}
	for _, name := range all {
		if !form.MatchString(string(name)) {
			t.Errorf("%q is no name of a type", name)
		}
	}
	for _, name := range []EventType{InstanceAdded, UserRemoved, UserGrantCascadeRemoved} {
		if !slices.Contains(all, name) {
			t.Errorf("%s is missing", name)
		}
	}
}
