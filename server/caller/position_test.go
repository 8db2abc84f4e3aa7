package caller

import (
	"context"
	"strings"
	"testing"
)

func TestPosition(t *testing.T) {
	p := NewPosition()
	if again, ok := ParsePosition(p.String()); !ok || again != p {
		t.Errorf("%s was read as %s", p, again)
	}
	if p == NewPosition() {
		t.Error("two changes have the same position")
	}
	text := Position{}.String()
	for _, bad := range []string{"", "1", text[1:], text + "A", text + "==", strings.Repeat(".", len(text)), text[:len(text)-1] + "B", text[:len(text)-1] + "\n", text[:4] + "\r\n" + text[6:]} {
		if _, ok := ParsePosition(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add(NewPosition().String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := ParsePosition(text); ok && p.String() != text {
			t.Errorf("%q is %s", text, p)
		}
	})
}

func TestConsistency(t *testing.T) {
	c := new(Consistency)
	if _, made := c.Changed(); made || IsBehind(context.Background()) || ConsistencyOf(context.Background()) != nil {
		t.Error("nothing was changed, and nobody is behind")
	}
	first, last := NewPosition(), NewPosition()
	c.Note(first)
	c.Note(last)
	if p, made := c.Changed(); !made || p != last {
		t.Errorf("the last change is %v at %s, not %s", made, p, last)
	}
	ctx := WithConsistency(context.Background(), c)
	if IsBehind(ctx) || ConsistencyOf(ctx) != c {
		t.Error("the context does not tell what it was given")
	}
	c.Behind = true
	if !IsBehind(ctx) {
		t.Error("who is behind is not told so")
	}
}
