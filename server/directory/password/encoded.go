package password

import (
	"errors"
	"regexp"

	"github.com/zitadel/passwap/argon2"
	"github.com/zitadel/passwap/bcrypt"
	"github.com/zitadel/passwap/md5"
	"github.com/zitadel/passwap/pbkdf2"
	"github.com/zitadel/passwap/scrypt"
	"github.com/zitadel/passwap/sha2"
	"github.com/zitadel/passwap/verifier"

	"github.com/bastide-id/bastide/server/fault"
)

// CheckHash returns fault.Invalid, for the request field at path, if the text
// is not a hash that Verify knows, or one that takes so much time or memory
// that checking it would be an attack: one that somebody typed may keep a
// processor busy for a second or so, in 256 MiB of memory. Accepted are
//
//   - Argon2i, Argon2id: 256 MiB with 3 passes, 128 with 6, 64 with 12, or 32
//     with 24; 16 threads
//   - bcrypt: cost 14
//   - scrypt: r of 8 and ln=17 with p=2, 16 with 4, 15 with 8, or 14 with 16
//   - PBKDF2: 1300000 rounds
//   - SHA-crypt: 1000000 rounds of SHA-256, 700000 of SHA-512
//
// A password is tried twice where its characters can be written in two ways.
func CheckHash(path, text string) error {
	k := kindOf(text)
	if k == nil {
		return fault.PasswordHashUnknown.Field(path)
	}
	_, err := k.verifierOf(text)
	var bounds *verifier.BoundsError
	switch {
	case errors.As(err, &bounds):
		return fault.PasswordHashCost.Field(path, k.cost)
	case err != nil:
		return fault.PasswordHashUnknown.Field(path)
	}
	return nil
}

// kind is a family of hashes.
type kind struct {
	// form is stricter than the verifiers are: what they would pass over makes
	// a hash that no password has, and a short sum one that many have. The
	// work of PBKDF2 grows with the length of the sum.
	form *regexp.Regexp
	// cost says which parameters are accepted.
	cost string
	// within has a verifier for each of the bounds that a hash may be in.
	within []verifier.Verifier
	// longest is the longest password that is tried, in bytes; 0 is any.
	longest int
	// ours says that a verifier answers verifier.OK to what Hash would make.
	ours bool
}

// longestTyped is the longest password that is tried on a hash of crypt(3). The
// work of SHA-crypt grows with its square.
const longestTyped = 256

const (
	standard = `\$[+/0-9A-Za-z]{1,172}\$[+/0-9A-Za-z]{22,86}$`       // salt and sum in base64
	adapted  = `\$[+./0-9A-Za-z]{1,172}=*\$[+./0-9A-Za-z]{22,86}=*$` // as passlib writes it
	ofCrypt  = `[!-#%-<>-~]`                                         // what a salt of crypt(3) has
)

var kinds = []kind{
	{
		form:   regexp.MustCompile(`^\$argon2id?\$v=19\$m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,3}` + standard),
		cost:   "m of 8 to 262144 KiB with t of 1 to 3, half as much memory for each doubling of t up to 24, and p of 1 to 16",
		within: argon2Within(), ours: true,
	},
	{
		form:   regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./0-9A-Za-z]{53}$`),
		cost:   "a cost of 4 to 14",
		within: []verifier.Verifier{bcrypt.NewVerifier(&bcrypt.ValidationOpts{MaxCost: 14})},
	},
	{
		form:   regexp.MustCompile(`^\$(scrypt|7)\$ln=[0-9]{1,10},r=[0-9]{1,10},p=[0-9]{1,10}` + standard),
		cost:   "ln of 1 to 17 with p of 1 or 2, ln one less for each doubling of p up to 16, and r of 1 to 8",
		within: scryptWithin(),
	},
	{
		form:   regexp.MustCompile(`^\$pbkdf2(-sha(224|256|384|512))?\$[0-9]{1,10}` + adapted),
		cost:   "1 to 1300000 rounds",
		within: []verifier.Verifier{pbkdf2.NewVerifier(&pbkdf2.ValidationOpts{MinRounds: 1, MaxRounds: 1_300_000})},
	},
	{
		form:   regexp.MustCompile(`^\$(5\$(rounds=[1-9][0-9]{0,9}\$)?` + ofCrypt + `{0,16}\$[./0-9A-Za-z]{43}|6\$(rounds=[1-9][0-9]{0,9}\$)?` + ofCrypt + `{0,16}\$[./0-9A-Za-z]{86})$`),
		cost:   "1000 to 1000000 rounds of SHA-256, or to 700000 of SHA-512",
		within: []verifier.Verifier{sha2.NewVerifier(&sha2.ValidationOpts{MaxSha256Rounds: 1_000_000, MaxSha512Rounds: 700_000})}, longest: longestTyped,
	},
	{
		form:   regexp.MustCompile(`^\$1\$` + ofCrypt + `{1,8}\$[./0-9A-Za-z]{22}$`),
		within: []verifier.Verifier{md5.NewVerifier()}, longest: longestTyped,
	},
}

// argon2Within returns verifiers for less and less memory with more and more
// passes over it.
func argon2Within() (within []verifier.Verifier) {
	for i := range 4 {
		within = append(within, argon2.NewArgon2id(parameters, &argon2.ValidationOpts{
			MinMemory: 8, MaxMemory: 262144 >> i, MaxTime: 3 << i, MaxThreads: 16,
		}))
	}
	return within
}

// scryptWithin returns verifiers for less and less memory filled more often.
func scryptWithin() (within []verifier.Verifier) {
	for i := range 4 {
		within = append(within, scrypt.NewVerifier(&scrypt.ValidationOpts{
			MinLN: 1, MaxLN: 17 - i, MinR: 1, MaxR: 8, MaxP: 2 << i,
		}))
	}
	return within
}

// kindOf returns the kind of a hash, or nil.
func kindOf(text string) *kind {
	for i := range kinds {
		if kinds[i].form.MatchString(text) {
			return &kinds[i]
		}
	}
	return nil
}

// verifierOf returns what checks a hash within bounds. It returns the error of
// the last verifier if none does.
func (k *kind) verifierOf(text string) (v verifier.Verifier, err error) {
	for _, v = range k.within {
		if _, err = v.Validate(text); err == nil {
			return v, nil
		}
	}
	return nil, err
}

// errRefused says that a hash is one that CheckHash refuses.
var errRefused = errors.New("not a hash that can be checked")

// trier returns what tries a password on a hash: it reports whether it is
// right, and whether Hash would make the same kind of hash. It takes as long
// for a wrong password as for a right one. It returns errRefused for a hash that
// CheckHash refuses.
func trier(text string) (try func(password string) (right, current bool), err error) {
	k := kindOf(text)
	if k == nil {
		return nil, errRefused
	}
	v, err := k.verifierOf(text)
	if err != nil { // whose words may be those of the hash
		return nil, errRefused
	}
	return func(password string) (right, current bool) {
		if k.longest > 0 && len(password) > k.longest {
			return false, false
		}
		result, _ := v.Verify(text, password) // fails on the text only, which is right
		return result == verifier.OK || result == verifier.NeedUpdate, k.ours && result == verifier.OK
	}, nil
}
