//go:build unix

package store

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/organization"
)

func TestKey(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{"Anna", "aNNA", true},
		{"Ä", "ä", true},
		{"Ä", "A\u0308", true}, // composed and not
		{"ẞ", "ß", true},
		{"ß", "SS", true},
		{"Σ", "ς", true},
		{"K", "\u212a", true}, // the Kelvin sign
		{"Å", "\u212b", true}, // the Ångström sign
		{"ﬁ", "FI", true},
		{"İ", "i\u0307", true},
		{"İ", "i", false}, // only Turkish folds these
		{"ı", "i", false},
		{"a\u0323\u0307", "A\u0307\u0323", true}, // marks in another order
		{"ǰ", "J\u030c", true},
		{"ᾳ", "ΑΙ", true}, // Greek with iota subscript
		{"ａ", "a", false}, // a wide letter is another one
		{"", "", true},
		{"a", "a ", false},
	} {
		if got := bytes.Equal(Key(test.a), Key(test.b)); got != test.equal {
			t.Errorf("%+q and %+q: equal %v", test.a, test.b, got)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, seed := range []string{"", "ẞ\u0301", "İ\u0307", "ΰ", "\u0344", "a\xff", "\U0010FFFF"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("texts are checked before they come here")
		}
		key := Key(s)
		if again := Key(string(key)); !bytes.Equal(again, key) {
			t.Errorf("%+q: key %+q, and of that %+q", s, key, again)
		}
		if of := Key(Text(s)); !bytes.Equal(of, key) {
			t.Errorf("%+q: key %+q, of its stored form %+q", s, key, of)
		}
		if !utf8.Valid(key) {
			t.Errorf("%+q: key %+q", s, key)
		}
	})
}

// alphabet has what one database or the other could take for something else.
var alphabet = []string{
	"a", "A", "b", "é", "e\u0301", "É", "\u0301", "ß", "ẞ", "ss", "S", "İ", "ı", "i", "I", "\u0307", "Σ", "ς", "σ", "字", "😀",
	"%", "_", `\`, "'", `"`, "*", "?", "[", "]", "$1", ":a", "^", ".", "-", "/", " ", "\t", "\n", "\u00a0", "\u200d", "\ufffd", "\U0010FFFF", "\x01", "\x7f",
}

func randomText(r *rand.Rand, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// matches is what TextMatch is to answer.
func matches(method TextMethod, text, needle string) bool {
	if method.ignoresCase() {
		text, needle = string(Key(text)), string(Key(needle))
	} else {
		text, needle = Text(text), Text(needle)
	}
	switch method {
	case TextEquals, TextEqualsIgnoreCase:
		return text == needle
	case TextStartsWith, TextStartsWithIgnoreCase:
		return strings.HasPrefix(text, needle)
	case TextContains, TextContainsIgnoreCase:
		return strings.Contains(text, needle)
	default:
		return strings.HasSuffix(text, needle)
	}
}

func TestTextMatch(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		r := rand.New(rand.NewPCG(1, 2)) // the same on both databases
		texts := []string{"org of one"}
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{}); err != nil {
				return err
			}
			seen := make(map[string]bool)
			for i := range 300 {
				text := randomText(r, 6)
				if i == 0 {
					text = ""
				}
				if seen[string(Key(text))] {
					continue
				}
				seen[string(Key(text))] = true
				texts = append(texts, text)
				create := newOrganization(tx, own.instance, text).SetOrganizationID(string(rune('一' + i)))
				if err := create.Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		needles := []string{"", " ", "org", "ORG OF ONE", "xorg of one"}
		for range 60 {
			needles = append(needles, randomText(r, 3))
			text := []rune(Text(texts[r.IntN(len(texts))])) // a piece that is there
			from := r.IntN(len(text) + 1)
			needles = append(needles, string(text[from:from+r.IntN(len(text)-from+1)]))
		}
		for _, needle := range needles {
			for method := TextEquals; method <= TextEndsWithIgnoreCase; method++ {
				compareMatch(t, s, own, texts, method, needle)
			}
		}
	})
}

func compareMatch(t *testing.T, s *Store, own tenant, texts []string, method TextMethod, needle string) {
	t.Helper()
	got, err := s.Read().Organization.Query().
		Where(TextMatch(organization.FieldName, organization.FieldNameKey, method, needle)).
		Select(organization.FieldName).Strings(own.ctx)
	if err != nil {
		t.Fatalf("method %d, %+q: %v", method, needle, err)
	}
	var want []string
	for _, text := range texts {
		if matches(method, text, needle) {
			want = append(want, Text(text))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("method %d, %+q:\ngot  %+q\nwant %+q", method, needle, got, want)
	}
}

// A column of lower case ASCII has no key of its own.
func TestTextMatchWithoutKey(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "acme")
		for _, test := range []struct {
			method TextMethod
			needle string
			want   bool
		}{
			{TextEquals, "acme", true}, {TextEquals, "ACME", false}, {TextEqualsIgnoreCase, "ACME", true},
			{TextStartsWith, "AC", false}, {TextStartsWithIgnoreCase, "AC", true},
			{TextContains, "CM", false}, {TextContainsIgnoreCase, "CM", true},
			{TextEndsWith, "ME", false}, {TextEndsWithIgnoreCase, "ME", true},
			{TextContainsIgnoreCase, "_", false},
		} {
			found, err := s.Read().Instance.Query().Where(TextMatch(instance.FieldInstanceID, "", test.method, test.needle)).Exist(own.ctx)
			if err != nil || found != test.want {
				t.Errorf("method %d, %q: found %v, %v", test.method, test.needle, found, err)
			}
		}
	})
}

// The key of a text is what lists are sorted by; both databases compare bytes.
func TestKeysSort(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		names := []string{"é", "Z", "a", "ab", "z2", "字", "😀", "~", "Ａ"}
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			for _, name := range names {
				if err := addOrganization(ctx, tx, own, name); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.Read().Organization.Query().Order(sql.OrderByField(organization.FieldNameKey).ToFunc()).Select(organization.FieldName).Strings(own.ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := append(names, "org of one")
		slices.SortFunc(want, func(a, b string) int { return bytes.Compare(Key(a), Key(b)) })
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// However many values there are, and whatever is in them.
func TestTextIn(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		names := []string{`a"b`, `a\b`, "a,b", "100%", "É", "😀", "\u2028", "[]"}
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			for _, name := range names {
				if err := addOrganization(ctx, tx, own, name); err != nil {
					return err
				}
			}
			return nil
		})
		many := make([]string, 100_000)
		for i := range many {
			many[i] = strings.Repeat("x", i%7)
		}
		for _, test := range []struct{ values, want []string }{
			{nil, nil},
			{names, names},
			{[]string{"e\u0301"}, nil},
			{[]string{"E\u0301", "a", "é", `a\\b`}, []string{"É"}},
			{append(many, "100%", "org of one"), []string{"100%", "org of one"}},
		} {
			got, err := s.Read().Organization.Query().
				Where(TextIn(organization.FieldName, test.values)).
				Order(ByRank[organization.OrderOption](organization.FieldName, append(names, "org of one", "'")...)()).
				Select(organization.FieldName).Strings(own.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		}
	})
}
