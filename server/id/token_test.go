package id

import (
	"regexp"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	seen := make(map[string]bool)
	for _, kind := range []Kind{PersonalAccessToken, AccessToken} {
		form := regexp.MustCompile(`^` + string(kind) + `[0-9A-Za-z]{36}$`)
		for range 100 {
			token := NewToken(kind)
			if !form.MatchString(token) {
				t.Fatalf("a %s token has the form %q", kind, token)
			}
			if got, ok := KindOf(token); !ok || got != kind {
				t.Errorf("%q is of kind %q, %v", token, got, ok)
			}
			if seen[token] {
				t.Fatal("a token was made twice")
			}
			seen[token] = true
		}
	}
}

func TestTokensThatAreNone(t *testing.T) {
	token := NewToken(PersonalAccessToken)
	other := strings.Replace(token, "_pat_", "_at_", 1)
	for _, text := range []string{"", "x", string(PersonalAccessToken), strings.ToUpper(token), " " + token, token + "\n", token + "0", token[1:], other, token + token} {
		if _, ok := KindOf(text); ok {
			t.Errorf("%q passes for a token", text)
		}
	}
	for i := range token { // mistyped and cut ones
		if _, ok := KindOf(token[:i]); ok {
			t.Errorf("a token passes that was cut to %d characters", i)
		}
		for _, c := range []byte("0aZ_\x00") {
			if token[i] == c {
				continue
			}
			if _, ok := KindOf(token[:i] + string(c) + token[i+1:]); ok {
				t.Errorf("a token passes whose character %d was changed to %q", i, c)
			}
		}
	}
	for i := 1; i < len(token); i++ { // two that were swapped
		if token[i-1] == token[i] {
			continue
		}
		if _, ok := KindOf(token[:i-1] + token[i:i+1] + token[i-1:i] + token[i+1:]); ok {
			t.Errorf("a token passes whose characters %d and %d were swapped", i-1, i)
		}
	}
}

func FuzzKindOf(f *testing.F) {
	f.Add(NewToken(PersonalAccessToken))
	f.Add(NewToken(AccessToken))
	f.Add(string(PersonalAccessToken))
	f.Add("bastide_pat_\xff")
	f.Fuzz(func(t *testing.T, text string) {
		kind, ok := KindOf(text)
		if !ok {
			return
		}
		if kind != PersonalAccessToken && kind != AccessToken {
			t.Fatalf("%q is of kind %q", text, kind)
		}
		body, found := strings.CutPrefix(text, string(kind))
		if !found || len(body) != randomLength+checkLength {
			t.Fatalf("%q passes for a token", text)
		}
		if last := text[len(text)-1]; strings.IndexByte(alphabet, last) < 0 {
			t.Fatalf("%q ends with what is no digit", text)
		}
	})
}

func TestHash(t *testing.T) {
	// SHA-256 of the empty text (FIPS 180-4).
	const empty = "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55"
	if string(Hash("")) != empty {
		t.Errorf("got %x", Hash(""))
	}
}

func TestSuffix(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-z]{6}$`)
	for range 100 {
		if s := Suffix(6); !form.MatchString(s) {
			t.Fatalf("%q cannot stand in a DNS label", s)
		}
	}
}
