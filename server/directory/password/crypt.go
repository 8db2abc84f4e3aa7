package password

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"regexp"
	"strings"

	"github.com/go-crypt/x/crypt"
	"golang.org/x/crypto/bcrypt"
)

// What checking a hash of the crypt(3) family may take; see derive.go.
const (
	mostBcryptCost = 15
	mostSHARounds  = 1_000_000
	// longestTyped is the longest password that crypt(3) takes, in bytes. The
	// work of SHA-crypt grows with its square.
	longestTyped = 512
)

const (
	bcryptCost = costError("a cost of 4 to 15")
	shaCost    = costError("1000 to 1000000 rounds")
)

var (
	bcryptForm = regexp.MustCompile(`^[0-9]{2}\$[./0-9A-Za-z]{53}$`)
	saltForm   = regexp.MustCompile(`^[!-~]*$`)
	cryptForm  = regexp.MustCompile(`^[./0-9A-Za-z]*$`)
)

// decodeBcrypt reads "2b$cost$", followed by salt and sum.
func decodeBcrypt(parts []string) (e encoded, err error) {
	if !bcryptForm.MatchString(strings.Join(parts[1:], "$")) {
		return e, errUnknown
	}
	text := []byte("$" + strings.Join(parts, "$"))
	cost, err := bcrypt.Cost(text)
	if err != nil || cost > mostBcryptCost {
		return e, bcryptCost
	}
	e.matches = func(password []byte) bool { return bcrypt.CompareHashAndPassword(text, password) == nil }
	return e, nil
}

// shaKinds are SHA-crypt with SHA-256 and SHA-512.
var shaKinds = map[string]struct {
	hash   func() hash.Hash
	length int // of the sum, in characters
}{"5": {sha256.New, 43}, "6": {sha512.New, 86}}

// decodeSHACrypt reads "6$rounds=5000$salt$sum", where the rounds may be
// missing. https://www.akkadia.org/drepper/SHA-crypt.txt
func decodeSHACrypt(parts []string) (e encoded, err error) {
	kind, rounds := shaKinds[parts[0]], 5000
	if len(parts) == 4 {
		values, err := numbers(parts[1], "rounds")
		if err != nil {
			return e, err
		}
		rounds = values[0]
		parts = parts[1:]
	}
	salt, sum, err := cryptParts(parts, 16, kind.length)
	if err != nil {
		return e, err
	}
	if rounds < 1000 || rounds > mostSHARounds {
		return e, shaCost
	}
	e.matches = matchingCrypt(sum, func(password []byte) []byte {
		return crypt.KeySHACrypt(kind.hash, password, salt, rounds)
	})
	return e, nil
}

// decodeMD5Crypt reads "1$salt$sum".
func decodeMD5Crypt(parts []string) (e encoded, err error) {
	salt, sum, err := cryptParts(parts, 8, 22)
	if err != nil {
		return e, err
	}
	e.matches = matchingCrypt(sum, func(password []byte) []byte { return crypt.KeyMD5Crypt(password, salt) })
	return e, nil
}

// cryptParts returns salt and sum, which follow the first part.
func cryptParts(parts []string, longestSalt, sumLength int) (salt, sum []byte, err error) {
	if len(parts) != 3 || len(parts[1]) > longestSalt || len(parts[2]) != sumLength ||
		!saltForm.MatchString(parts[1]) || !cryptForm.MatchString(parts[2]) {
		return nil, nil, errUnknown
	}
	return []byte(parts[1]), []byte(parts[2]), nil
}

// matchingCrypt is matching for the passwords that crypt(3) takes; the sums are
// in its alphabet.
func matchingCrypt(sum []byte, compute func(password []byte) []byte) func([]byte) bool {
	return matching(sum, func(password []byte) []byte {
		if len(password) > longestTyped {
			return nil
		}
		return compute(password)
	})
}
