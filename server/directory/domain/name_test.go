package domain

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/fault"
)

func TestNormalize(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label, strings.Repeat("b", 61)}, ".") // 253
	for name, want := range map[string]string{
		"example.com":            "example.com",
		"Login.EXAMPLE.com":      "login.example.com",
		"localhost":              "localhost",
		"a-b.c-d":                "a-b.c-d",
		"1.example":              "1.example",
		"xn--bcher-kva.example":  "xn--bcher-kva.example",
		"Bücher.example":         "xn--bcher-kva.example",
		"bu\u0308cher.example":   "xn--bcher-kva.example",
		"straße.example":         "xn--strae-oqa.example",
		"日本語.example":            "xn--wgv71a119e.example",
		"日本語。example":            "xn--wgv71a119e.example", // the full stop of its script
		"ｅｘａｍｐｌｅ.com":            "example.com",
		long:                     long,
		label + ".example":       label + ".example",
		"":                       "",
		".":                      "",
		"example.com.":           "",
		".example.com":           "",
		"a..b":                   "",
		"a b.example":            "",
		"a_b.example":            "",
		"-a.example":             "",
		"a-.example":             "",
		"example.com:8080":       "",
		"http://example.com":     "",
		"example.com/path":       "",
		"*.example.com":          "",
		"a@example.com":          "",
		"127.0.0.1":              "",
		"١٢٧.0.0.1":              "",
		"::1":                    "",
		"[::1]":                  "",
		"a\x00.example":          "",
		"a\u200b.example\n":      "",
		"xn--a.example":          "",
		"xn--":                   "",
		"a" + label + ".example": "",
		"c." + long:              "",
		strings.Repeat("ü", 60):  "", // 60 characters, but a longer label
		"\xff.example":           "",
		"אa.example":             "", // both directions in a label
	} {
		got, err := Normalize("custom_domain", name)
		if want != "" {
			if err != nil || got != want {
				t.Errorf("%+q: got %q, %v; want %q", name, got, err, want)
			}
			continue
		}
		var f *fault.Fault
		if !errors.As(err, &f) || f.ID() != fault.DomainInvalid.With().ID() || len(f.Violations()) != 1 || f.Violations()[0].Field != "custom_domain" {
			t.Errorf("%+q: got %q, %v", name, got, err)
		}
	}
}

// hostName is what the DNS calls a host name (RFC 1123, 2.1).
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"example.com", "Bücher.example", "xn--bcher-kva", "127.0.0.1", "a..b", "日本語。x", "\xff", "a\u200d.b", "ǰ.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := Normalize("domain", name)
		if err != nil {
			return
		}
		if !hostName.MatchString(got) || len(got) > maxName {
			t.Fatalf("%+q became %q", name, got)
		}
		if again, err := Normalize("domain", got); err != nil || again != got {
			t.Fatalf("%+q became %q, and that %q, %v", name, got, again, err)
		}
	})
}

func TestSlug(t *testing.T) {
	for _, test := range []struct {
		name string
		n    int
		want string
	}{
		{"Acme", 63, "acme"},
		{"Acme & Sons, Ltd.", 63, "acme-sons-ltd"},
		{"  --a__b--  ", 63, "a-b"},
		{"日本語", 63, "instance"},
		{"日本語 1", 63, "1"},
		{"", 63, "instance"},
		{"---", 63, "instance"},
		{"Bücher", 63, "b-cher"},
		{"İstanbul", 63, "istanbul"},
		{"abcdef", 3, "abc"},
		{"ab-cd", 3, "ab"},
		{"a\x00b\ud7ffc\xff", 63, "a-b-c"},
		{strings.Repeat("x", 200), 63, strings.Repeat("x", 63)},
	} {
		if got := Slug(test.name, "instance", test.n); got != test.want {
			t.Errorf("%q cut to %d: got %q, want %q", test.name, test.n, got, test.want)
		}
	}
}

func FuzzSlug(f *testing.F) {
	f.Add("Acme & Sons", "example.com")
	f.Add("日本語", strings.Repeat("a.", 110)+"example")
	f.Add("\xff-", "localhost")
	f.Fuzz(func(t *testing.T, name, parent string) {
		parent, err := Normalize("", parent)
		if err != nil || len(parent) > 244 || strings.Contains(parent, "xn--") {
			t.Skip("no room for a label, or a script that decides on its neighbours")
		}
		for _, made := range []string{Generate(name, parent), OfOrganization(name, parent)} {
			if got, err := Normalize("", made); err != nil || got != made || !hostName.MatchString(made) {
				t.Fatalf("%+q below %q became %q, %v", name, parent, made, err)
			}
		}
	})
}

func TestGenerate(t *testing.T) {
	form := regexp.MustCompile(`^acme-sons-[0-9a-z]{6}\.example\.com$`)
	first, second := Generate("Acme & Sons", "example.com"), Generate("Acme & Sons", "example.com")
	if !form.MatchString(first) || !form.MatchString(second) || first == second {
		t.Errorf("got %q and %q", first, second)
	}
	long := Generate(strings.Repeat("x", 200), "example.com")
	if label, _, _ := strings.Cut(long, "."); len(label) != maxLabel {
		t.Errorf("the label of %q has %d characters", long, len(label))
	}
	if got := OfOrganization("日本語", "example.com"); got != "org.example.com" {
		t.Errorf("got %q", got)
	}
}
