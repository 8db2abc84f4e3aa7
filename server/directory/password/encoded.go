package password

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/bastide-id/bastide/server/fault"
)

// CheckHash returns fault.Invalid, for the request field at path, if the text
// is not a hash that Verify knows, or one that takes so much time or memory
// that checking it would be an attack.
func CheckHash(path, text string) error {
	_, err := decode(text)
	var cost costError
	switch {
	case errors.As(err, &cost):
		return fault.PasswordHashCost.Field(path, string(cost))
	case err != nil:
		return fault.PasswordHashUnknown.Field(path)
	}
	return nil
}

// encoded is a hash taken apart.
type encoded struct {
	// matches takes long, and as long for every password of a length.
	matches func(password []byte) bool
	// current says that Hash makes hashes of this kind.
	current bool
}

// errUnknown says that a text is not the hash of a kind that we know.
var errUnknown = errors.New("not a known kind of hash")

// costError says which parameters are accepted.
type costError string

func (e costError) Error() string { return "not a hash with " + string(e) }

const (
	// longestText is far more than any of the kinds needs.
	longestText = 600
	longestSalt = 128
	// A shorter sum is too easily met by a wrong password.
	shortestSum = 16
	longestSum  = 128
)

// kinds take the parts between the dollar signs apart, by the first of them.
var kinds = map[string]func(parts []string) (encoded, error){
	"argon2i":       decodeArgon2,
	"argon2id":      decodeArgon2,
	"scrypt":        decodeScrypt,
	"pbkdf2":        decodePBKDF2,
	"pbkdf2-sha1":   decodePBKDF2,
	"pbkdf2-sha224": decodePBKDF2,
	"pbkdf2-sha256": decodePBKDF2,
	"pbkdf2-sha384": decodePBKDF2,
	"pbkdf2-sha512": decodePBKDF2,
	"2a":            decodeBcrypt,
	"2b":            decodeBcrypt,
	"2y":            decodeBcrypt,
	"1":             decodeMD5Crypt,
	"5":             decodeSHACrypt,
	"6":             decodeSHACrypt,
}

// decode takes a hash apart. It returns errUnknown or a costError.
func decode(text string) (encoded, error) {
	rest, found := strings.CutPrefix(text, "$")
	if !found || len(text) > longestText {
		return encoded{}, errUnknown
	}
	parts := strings.Split(rest, "$")
	kind := kinds[parts[0]]
	if kind == nil {
		return encoded{}, errUnknown
	}
	return kind(parts)
}

// matching returns what compares a sum with that of a password in constant time.
func matching(sum []byte, compute func(password []byte) []byte) func([]byte) bool {
	return func(password []byte) bool { return subtle.ConstantTimeCompare(compute(password), sum) == 1 }
}

// saltAndSum decodes the two last parts of a hash.
func saltAndSum(parts []string) (salt, sum []byte, err error) {
	raw := base64.RawStdEncoding
	salt, badSalt := raw.DecodeString(strings.TrimRight(parts[0], "="))
	sum, badSum := raw.DecodeString(strings.TrimRight(parts[1], "="))
	if badSalt != nil || badSum != nil || len(salt) > longestSalt || len(sum) < shortestSum || len(sum) > longestSum {
		return nil, nil, errUnknown
	}
	return salt, sum, nil
}

// numbers reads a text such as "m=65536,t=3,p=4", whose names come in this
// order. Numbers that are larger than any bound are math.MaxInt32.
func numbers(text string, names ...string) ([]int, error) {
	fields := strings.Split(text, ",")
	if len(fields) != len(names) {
		return nil, errUnknown
	}
	values := make([]int, len(names))
	for i, name := range names {
		digits, found := strings.CutPrefix(fields[i], name+"=")
		value, err := strconv.ParseUint(digits, 10, 64)
		if !found || err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, errUnknown
		}
		values[i] = int(min(value, math.MaxInt32))
	}
	return values, nil
}
