package id

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestPageToken(t *testing.T) {
	key := NewMasterKey()
	tokens := key.PageTokens()
	position, boundTo := []byte(`["Erin Example",7]`), []byte("a list")
	token := tokens.Seal(position, boundTo)
	got, ok := key.PageTokens().Open(token, boundTo)
	if !ok || !bytes.Equal(got, position) {
		t.Fatalf("got %q, %t", got, ok)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || bytes.Contains(raw, []byte("Erin")) {
		t.Errorf("the token shows the position: %q, %v", raw, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", tokens, tokens, tokens); strings.Trim(text, " ") != "[redacted] [redacted] [redacted]" {
		t.Errorf("the keys are printed: %s", text)
	}
	for name, other := range map[string]struct {
		tokens  PageTokens
		token   string
		boundTo string
	}{
		"another key":     {NewMasterKey().PageTokens(), token, "a list"},
		"another list":    {tokens, token, "a list "},
		"no list":         {tokens, token, ""},
		"empty":           {tokens, "", "a list"},
		"cut":             {tokens, token[:len(token)-2], "a list"},
		"cut to its head": {tokens, token[:8], "a list"},
		"longer":          {tokens, token + "AA", "a list"},
		"with padding":    {tokens, token + "=", "a list"},
		"with a space":    {tokens, token + " ", "a list"},
	} {
		if got, ok := other.tokens.Open(other.token, []byte(other.boundTo)); ok {
			t.Errorf("%s: opened to %q", name, got)
		}
	}
	for i := range len(token) {
		changed := []byte(token)
		changed[i] = 'A' + (changed[i]-'A'+1)%26
		if got, ok := tokens.Open(string(changed), boundTo); ok {
			t.Errorf("with character %d changed it opened to %q", i, got)
		}
	}
	if _, ok := tokens.Open(tokens.Seal(nil, boundTo), boundTo); !ok {
		t.Error("an empty position cannot be opened")
	}
}

func FuzzOpenPageToken(f *testing.F) {
	tokens := PageTokens{signing: make([]byte, 32), sealing: make([]byte, 32)}
	f.Add(tokens.Seal([]byte("position"), []byte("list")), []byte("list"))
	f.Add("", []byte(nil))
	f.Add(strings.Repeat("A", 24), []byte("list"))
	f.Fuzz(func(t *testing.T, token string, boundTo []byte) {
		if position, ok := tokens.Open(token, boundTo); ok && tokens.Seal(position, boundTo) != token {
			t.Fatalf("%q passes for a token", token)
		}
	})
}
