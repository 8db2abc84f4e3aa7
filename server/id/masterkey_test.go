package id

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestMasterKeyText(t *testing.T) {
	key := NewMasterKey()
	for _, text := range []string{key.Text(), strings.TrimSpace(key.Text()), "\n" + key.Text() + " \r\n"} {
		got, err := ParseMasterKey(text)
		if err != nil || got != key {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
	for _, text := range []string{"", "x", key.Text()[1:], key.Text() + "AAAA", strings.Repeat("A", 40) + "=", "ÄÖÜ"} {
		if _, err := ParseMasterKey(text); err == nil {
			t.Errorf("%d characters pass for a key", len(text))
		} else if text != "" && strings.Contains(err.Error(), text) && len(text) > 1 {
			t.Error("the message repeats the text")
		}
	}
	if NewMasterKey() == key {
		t.Error("a key was made twice")
	}
}

func TestMasterKeyIsNotPrinted(t *testing.T) {
	key := NewMasterKey()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, key); got != "[redacted]" {
			t.Errorf("%s prints %d characters", format, len(got))
		}
	}
}

func TestFingerprint(t *testing.T) {
	a, b := NewMasterKey(), NewMasterKey()
	if !bytes.Equal(a.Fingerprint(), a.Fingerprint()) || bytes.Equal(a.Fingerprint(), b.Fingerprint()) {
		t.Error("the fingerprint does not tell keys apart")
	}
	if bytes.Contains(a.Fingerprint(), a.key[:8]) {
		t.Error("the fingerprint has the key in it")
	}
}

func TestSeal(t *testing.T) {
	key := NewMasterKey()
	for _, secret := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("secret"), 1000)} {
		sealed, err := key.Seal(secret, "table:1")
		if err != nil {
			t.Fatal(err)
		}
		if len(secret) > 1 && bytes.Contains(sealed, secret) {
			t.Error("the secret can be read")
		}
		if got, err := key.Open(sealed, "table:1"); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%d bytes: %v", len(secret), err)
		}
		again, err := key.Seal(secret, "table:1")
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("sealing twice gave the same, %v", err)
		}
		if _, err := key.Open(sealed, "table:2"); err == nil {
			t.Error("the secret of one row opens in another")
		}
		if _, err := NewMasterKey().Open(sealed, "table:1"); err == nil {
			t.Error("the secret opens with another key")
		}
		for i := range min(len(sealed), 60) {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := key.Open(changed, "table:1"); err == nil {
				t.Errorf("the secret opens although byte %d was changed", i)
			}
			if _, err := key.Open(sealed[:i], "table:1"); err == nil {
				t.Errorf("the secret opens although it was cut to %d bytes", i)
			}
		}
	}
}
