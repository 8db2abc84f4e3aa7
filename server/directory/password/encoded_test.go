package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/fault"
)

// known are hashes of "Passwörd1!" in UTF-8, made by the crypt(3) of a Linux
// system and by Python's hashlib.
var known = []string{
	"$2b$04$abcdefghijklmnopqrstuu6e0w75wmrmdkCqvRwxDfhdBhXcihxha",
	"$2y$04$abcdefghijklmnopqrstuu6e0w75wmrmdkCqvRwxDfhdBhXcihxha",
	"$2a$04$abcdefghijklmnopqrstuu6e0w75wmrmdkCqvRwxDfhdBhXcihxha",
	"$5$saltstring$SSKGkw2yjMFBSa87oIak0M7XDSFx91DbixWbkeVght0",
	"$5$rounds=1400$anotherlongsalts$Cdke6nYzsEDAZpxzYBEUs6Xs/RzGud4QOBAUiaJnfU9",
	"$6$saltstring$LI4.F2zH1fk7nMkCWjodEmqbPUryc.JIML1xfIha5jWax2fxmofmLtmLJKnU1jOSAdie09IzS0QOO84u8i1p00",
	"$6$rounds=1001$$zffq7jDwtsmJ5ER6BHj7kZ1Nwk/.iU/5tG95flHPsup2Mk/t6OQQgX5P6brJaQ91x7sNZ1wSEui.ETRmaRj0z.",
	"$1$saltsalt$8CplLbdxCSADRTtbKSrRX0",
	"$pbkdf2$1000$8PHy8/T19vf4.fr7/P3./w$6ZnXuORM47UnaPmAGk3ZyCjm9vg",
	"$pbkdf2-sha224$1000$8PHy8/T19vf4.fr7/P3./w$DK.2kXGAdAEUiJEV08IH9qz7umtlhzklnuuNmQ",
	"$pbkdf2-sha256$1000$8PHy8/T19vf4.fr7/P3./w$VA0RA2Cx4nKKB8wW1WD19KqzzhxyHcr99GgcAvxr3fM",
	"$pbkdf2-sha256$1000$8PHy8/T19vf4+fr7/P3+/w==$VA0RA2Cx4nKKB8wW1WD19KqzzhxyHcr99GgcAvxr3fM=",
	"$pbkdf2-sha384$1000$8PHy8/T19vf4.fr7/P3./w$emIyOp/Xsbsvlm9LCCZQY7ndxy5ce0EXnmhTIwG9884AcjSUKMg7/P1iIYlQKLJ8",
	"$pbkdf2-sha512$1000$8PHy8/T19vf4.fr7/P3./w$wug0yQym/4vKghHIoo3LvxdZGH.xAs3NoJ8FnumDea/5SoVk8rJ3lvvbrSiS7DNQA./2MXobXkrfCgqFqaF2oQ",
	"$scrypt$ln=4,r=8,p=1$8PHy8/T19vf4+fr7/P3+/w$wVH156piYHjmwI49fJzhO6Tl2L6oh5C78MGSu9Hi5ss",
}

// argon2Known are hashes of "password", from the tests of the reference
// implementation of Argon2, 20190702.
var argon2Known = []string{
	"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
	"$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
}

func TestVerify(t *testing.T) {
	h := NewHasher(1)
	const text = "Passw\u00f6rd1!"
	ours, err := h.Hash(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	check := func(hash, text string, wantRight, wantOutdated bool) {
		t.Helper()
		right, outdated, err := h.Verify(t.Context(), hash, text)
		if err != nil || right != wantRight || outdated != wantOutdated {
			t.Errorf("%s, %q: right %v, outdated %v, %v", hash, text, right, outdated, err)
		}
	}
	check(ours, text, true, false)
	check(ours, "Passwo\u0308rd1!", true, false) // the same characters, typed otherwise
	check(ours, "passw\u00f6rd1!", false, false)
	for _, hash := range known {
		check(hash, text, true, true)
		check(hash, "Passwo\u0308rd1!", true, true)
		check(hash, "passw\u00f6rd1!", false, false)
		check(hash, "", false, false)
	}
	for _, hash := range argon2Known {
		check(hash, "password", true, true)
		check(hash, "Password", false, false)
	}
	// crypt(3) hashes the bytes as they were typed: here o and U+0308.
	decomposed := "$1$saltsalt$HcjPtIo3h/GJDkPNskIk10"
	check(decomposed, "Passwo\u0308rd1!", true, true)
	check(decomposed, text, false, false)

	if _, _, err := h.Verify(t.Context(), "nothing", text); err == nil {
		t.Error("a hash of no kind was checked")
	}
}

// Our own hashes know all of a long password.
func TestLongPasswords(t *testing.T) {
	h := NewHasher(1)
	long := strings.Repeat("x", 200)
	hash, err := h.Hash(t.Context(), long)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{long: true, long[:199]: false, long + "x": false, long[:72]: false} {
		if right, _, err := h.Verify(t.Context(), hash, text); err != nil || right != want {
			t.Errorf("%d characters: %v, %v", len(text), right, err)
		}
	}
	// The work of SHA-crypt grows with the square of the length.
	if right, _, err := h.Verify(t.Context(), known[5], strings.Repeat("x", 1<<20)); err != nil || right {
		t.Errorf("a megabyte: %v, %v", right, err)
	}
}

func TestCheckHash(t *testing.T) {
	const (
		salt = "8PHy8/T19vf4+fr7/P3+/w"
		sum  = "VA0RA2Cx4nKKB8wW1WD19KqzzhxyHcr99GgcAvxr3fM"
		sha5 = "SSKGkw2yjMFBSa87oIak0M7XDSFx91DbixWbkeVght0"
	)
	argon := func(version, parameters string) string {
		return "$argon2id$" + version + "$" + parameters + "$" + salt + "$" + sum
	}
	scrypt := func(parameters string) string { return "$scrypt$" + parameters + "$" + salt + "$" + sum }
	pbkdf2 := func(rounds string) string { return "$pbkdf2-sha256$" + rounds + "$" + salt + "$" + sum }
	bcrypt := func(cost string) string {
		return "$2b$" + cost + "$abcdefghijklmnopqrstuu6e0w75wmrmdkCqvRwxDfhdBhXcihxha"
	}
	for id, texts := range map[string][]string{
		"": append([]string{
			argon("v=19", "m=262144,t=3,p=16"), argon("v=19", "m=131072,t=6,p=1"), argon("v=19", "m=65536,t=12,p=1"), argon("v=19", "m=32768,t=24,p=1"), argon("v=19", "m=8,t=1,p=1"),
			scrypt("ln=17,r=8,p=2"), scrypt("ln=16,r=8,p=4"), scrypt("ln=15,r=8,p=8"), scrypt("ln=14,r=8,p=16"), scrypt("ln=1,r=1,p=1"),
			pbkdf2("1300000"), pbkdf2("1"), bcrypt("14"), "$5$rounds=1000000$salt$" + sha5, "$6$rounds=700000$salt$" + known[5][14:], "$6$rounds=1000$salt$" + known[5][14:],
		}, append(known, argon2Known...)...),
		"password.hash_unknown": {
			"", "$", "secret", "$$", "$2$", "$3$x", "{SSHA}x", "5f4dcc3b5aa765d61d8327deb882cf99", "!", " " + known[0], known[0] + "\n",
			argon("v=16", "m=64,t=1,p=1"), argon("v=19", "m=64,t=1"), argon("v=19", "t=1,m=64,p=1"), argon("v=19", "m=-64,t=1,p=1"),
			argon("v=19", "m=,t=1,p=1"), argon("v=19", "m=64,t=1,p=1") + "$", "$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$c2hvcnQ", "$argon2id$v=19$m=64,t=1,p=1$$" + sum,
			"$argon2id$v=19$m=64,t=1,p=1$!$" + sum, "$argon2id$m=64,t=1,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=64,t=1,p=1$ $" + salt + "$" + sum,
			"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 88), argon("v=19", "m=64,t=1,p=1") + "AA", // no base64
			"$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 180) + "$" + sum,
			argon("v=19", "m=64,t=99999999999999999999999,p=1"), argon("v=19", "m=64,t=9999999999,p=1"), argon("v=19", "m=64,t=1,p=256"),
			scrypt("ln=4,r=8"), scrypt("N=4,r=8,p=1"), scrypt("ln=4,r=8,p=x"), scrypt("ln=4,r=8,p=1") + "$x", scrypt("ln=4,r=8,p=99999999999999999999"),
			pbkdf2(""), pbkdf2("x"), pbkdf2("1000,1000,1000"), pbkdf2("1000") + "$", "$pbkdf2-md5$1$" + salt + "$" + sum, pbkdf2("99999999999999999999999"),
			"$pbkdf2$1000$" + salt + "$" + strings.Repeat("A", 88), "$pbkdf2$1000$" + salt + "$./+" + sum,
			bcrypt("4"), bcrypt("004"), "$2x$" + bcrypt("04")[4:], bcrypt("04")[:59], bcrypt("04") + "a", "$2b$04$", bcrypt("03"), bcrypt("32"), bcrypt("99"),
			"$5$" + sha5, "$5$salt$" + sha5[1:], "$5$seventeencharacte$" + sha5, "$5$rounds=x$salt$" + sha5, "$5$round=5000$salt$" + sha5, "$5$rounds=5000$" + sha5,
			"$5$rounds=01000$salt$" + sha5, "$5$rounds=0$salt$" + sha5, "$5$rounds=99999999999$salt$" + sha5,
			"$5$sa\x01lt$" + sha5, "$5$salt$!" + sha5[1:], "$6$salt$" + sha5, "$1$saltsalts$8CplLbdxCSADRTtbKSrRX0", "$1$saltsalt$8CplLbdxCSADRTtbKSrRX",
			"$5$salt$" + strings.Repeat("a", 100000), strings.Repeat("$", 20000),
		},
		"password.hash_cost": {
			argon("v=19", "m=262145,t=1,p=1"), argon("v=19", "m=67108864,t=1,p=1"), argon("v=19", "m=262144,t=4,p=1"), argon("v=19", "m=131073,t=6,p=1"),
			argon("v=19", "m=4294967295,t=4294967295,p=255"), argon("v=19", "m=64,t=25,p=1"), argon("v=19", "m=64,t=0,p=1"), argon("v=19", "m=64,t=1,p=0"),
			argon("v=19", "m=7,t=1,p=1"), argon("v=19", "m=512,t=1,p=17"), argon("v=19", "m=0,t=1,p=1"),
			scrypt("ln=18,r=8,p=1"), scrypt("ln=63,r=8,p=1"), scrypt("ln=4,r=9,p=1"), scrypt("ln=4,r=8,p=17"), scrypt("ln=17,r=8,p=3"), scrypt("ln=15,r=8,p=9"),
			scrypt("ln=0,r=8,p=1"), scrypt("ln=4,r=0,p=1"), scrypt("ln=4,r=8,p=0"), scrypt("ln=4,r=1073741823,p=1"),
			pbkdf2("0"), pbkdf2("1300001"), pbkdf2("2147483648"), bcrypt("15"), bcrypt("31"),
			"$5$rounds=999$salt$" + sha5, "$5$rounds=1000001$salt$" + sha5, "$5$rounds=999999999$salt$" + sha5, "$6$rounds=700001$salt$" + known[5][14:],
		},
	} {
		for _, text := range texts {
			err := CheckHash("hashed_password.value", text)
			var f *fault.Fault
			switch {
			case id == "" && err == nil:
			case !errors.As(err, &f), f.ID() != id, f.Violations()[0].Field != "hashed_password.value":
				t.Errorf("%.100q: got %v, want %q", text, err, id)
			}
		}
	}
}

// A hash that is too expensive is not checked either, should there be one.
func TestVerifyIsBounded(t *testing.T) {
	for _, hash := range []string{
		"$2b$31$abcdefghijklmnopqrstuu6e0w75wmrmdkCqvRwxDfhdBhXcihxha",
		strings.Replace(argon2Known[0], "m=256,t=2", "m=4194304,t=4294967295", 1),
		strings.Replace(known[3], "$5$", "$5$rounds=999999999$", 1),
	} {
		if _, _, err := NewHasher(1).Verify(t.Context(), hash, "password"); err == nil || strings.Contains(err.Error(), hash[10:]) {
			t.Errorf("%s: got %v", hash, err)
		}
	}
}

// Whatever is accepted can be checked within bounds; nothing panics.
func FuzzCheckHash(f *testing.F) {
	for _, text := range append(append([]string{"", "$2b$31$", "$5$rounds=999999999$$"}, known...), argon2Known...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckHash("x", text) != nil {
			return
		}
		if !strings.HasPrefix(text, "$") || len(text) > 400 {
			t.Errorf("accepted %q", text)
		}
		if _, err := trier(text); err != nil {
			t.Errorf("%q is accepted, and cannot be checked: %v", text, err)
		}
	})
}
