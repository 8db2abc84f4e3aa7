package password

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/argon2"

	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
)

func TestHash(t *testing.T) {
	hash, err := NewHasher(0).Hash(t.Context(), "Pa\u0301ssword1!")
	if err != nil {
		t.Fatal(err)
	}
	// https://github.com/P-H-C/phc-string-format
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" || parts[3] != "m=19456,t=2,p=1" {
		t.Fatalf("the parameters are %q", parts[:len(parts)-1])
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) != 16 {
		t.Fatalf("a salt of %d bytes, %v", len(salt), err)
	}
	// The other way to type the same characters gives the same hash.
	sum := argon2.IDKey([]byte("P\u00e1ssword1!"), salt, 2, 19456, 1, 32)
	if parts[5] != base64.RawStdEncoding.EncodeToString(sum) {
		t.Error("the hash is not that of the password in normalization form C")
	}
	again, err := NewHasher(0).Hash(t.Context(), "Pa\u0301ssword1!")
	if err != nil || again == hash {
		t.Errorf("the same password has the same hash twice, %v", err)
	}
}

// Of more callers than may wait the last ones are sent away at once, and those
// that leave make room.
func TestHasherIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(1)
		if err := h.workers.Acquire(t.Context(), 1); err != nil { // the one worker is busy
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		for range 1 + waiting {
			go func() {
				if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
					t.Errorf("a caller who left got %v", err)
				}
			}()
		}
		synctest.Wait() // until all of them wait
		if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, fault.PasswordBusy.With()) || !errors.Is(err, fault.ResourceExhausted) {
			t.Errorf("one caller too many got %v", err)
		}
		leave()
		synctest.Wait()
		h.workers.Release(1)
		if _, err := h.Hash(t.Context(), "x"); err != nil {
			t.Errorf("after all have left: %v", err)
		}
	})
}

func TestCheck(t *testing.T) {
	all := policy.PasswordComplexityValues{MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true}
	for _, test := range []struct {
		password string
		rules    policy.PasswordComplexityValues
		lacks    string
	}{
		{"Passw0r!", all, ""},
		{"Passw0r", all, "at least 8 characters, a symbol"},
		{"Pass 0rd", all, ""}, // a space is a symbol
		{"passw0r!", all, "an upper case letter"},
		{"PASSW0R!", all, "a lower case letter"},
		{"Password!", all, "a digit"},
		{"", all, "at least 8 characters, an upper case letter, a lower case letter, a digit, a symbol"},
		{"", policy.PasswordComplexityValues{}, ""},
		{"Ößé١!Ää", all, "at least 8 characters"}, // 7 characters, 13 bytes
		{"Ößé١!Ääß", all, ""},
		{"字字字字", policy.PasswordComplexityValues{MinLength: 5}, "at least 5 characters"}, // 12 bytes
		{"字字字字字", policy.PasswordComplexityValues{MinLength: 5}, ""},
		{"字字字字字", policy.PasswordComplexityValues{HasLowercase: true, HasSymbol: true}, "a lower case letter, a symbol"},
		{"x", policy.PasswordComplexityValues{MinLength: 1 << 63}, fmt.Sprintf("at least %d characters", uint64(1<<63))},
	} {
		err := Check("human.password", test.password, test.rules)
		if test.lacks == "" {
			if err != nil {
				t.Errorf("%q: %v", test.password, err)
			}
			continue
		}
		var f *fault.Fault
		if !errors.As(err, &f) || f.ID() != fault.PasswordPolicy.With("").ID() {
			t.Errorf("%q: got %v", test.password, err)
			continue
		}
		want := fault.Violation{Field: "human.password", Rule: f.ID(), Message: "must have " + test.lacks}
		if got := f.Violations(); len(got) != 1 || got[0] != want {
			t.Errorf("%q: got %+v, want %+v", test.password, got, want)
		}
		if test.password != "" && strings.Contains(err.Error(), test.password) {
			t.Errorf("the password is in the message: %v", err)
		}
	}
}
