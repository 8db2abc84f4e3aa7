package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// What checking a hash from elsewhere may take: what is usual is accepted, and
// the most expensive one keeps a worker busy for two seconds or so, once.
const (
	mostMemory  = 256 << 20 // bytes
	mostTraffic = 512 << 20 // bytes, with all passes over the memory
	mostThreads = 16
	mostRounds  = 2_000_000 // of PBKDF2, for every block of the sum
)

const (
	argon2Cost = costError("m of at least 8 for each of p and at most 262144 KiB, t of at least 1, m times t of at most 524288 KiB, and p of 1 to 16")
	scryptCost = costError("r and p of 1 to 16, 128 times r times 2^ln of at most 256 MiB, and p times that of at most 512 MiB")
)

var pbkdf2Cost = costError(fmt.Sprintf("1 to %d rounds, divided by the number of blocks that the sum is long", mostRounds))

// decodeArgon2 reads "argon2id$v=19$m=65536,t=3,p=4$salt$sum".
// https://github.com/P-H-C/phc-string-format
func decodeArgon2(parts []string) (e encoded, err error) {
	if len(parts) != 5 || parts[1] != fmt.Sprintf("v=%d", argon2.Version) {
		return e, errUnknown
	}
	values, err := numbers(parts[2], "m", "t", "p")
	if err != nil {
		return e, err
	}
	salt, sum, err := saltAndSum(parts[3:])
	if err != nil {
		return e, err
	}
	m, t, p := values[0], values[1], values[2]
	if p < 1 || p > mostThreads || m < 8*p || m > mostMemory>>10 || t < 1 || t > mostTraffic>>10/m {
		return e, argon2Cost
	}
	key := argon2.Key
	if parts[0] == "argon2id" {
		key = argon2.IDKey
		e.current = m == memory && t == passes && p == threads && len(salt) == saltLength && len(sum) == hashLength
	}
	e.matches = matching(sum, func(password []byte) []byte {
		return key(password, salt, uint32(t), uint32(m), uint8(p), uint32(len(sum)))
	})
	return e, nil
}

// decodeScrypt reads "scrypt$ln=16,r=8,p=1$salt$sum".
func decodeScrypt(parts []string) (e encoded, err error) {
	if len(parts) != 4 {
		return e, errUnknown
	}
	values, err := numbers(parts[1], "ln", "r", "p")
	if err != nil {
		return e, err
	}
	salt, sum, err := saltAndSum(parts[2:])
	if err != nil {
		return e, err
	}
	ln, r, p := values[0], values[1], values[2]
	if ln < 1 || ln > 18 || r < 1 || r > mostThreads || p < 1 || p > mostThreads ||
		128*r<<ln > mostMemory || 128*r<<ln > mostTraffic/p {
		return e, scryptCost
	}
	e.matches = matching(sum, func(password []byte) []byte {
		key, _ := scrypt.Key(password, salt, 1<<ln, r, p, len(sum)) // its parameters are right
		return key
	})
	return e, nil
}

var pbkdf2Hashes = map[string]func() hash.Hash{
	"pbkdf2": sha1.New, "pbkdf2-sha1": sha1.New,
	"pbkdf2-sha224": sha256.New224, "pbkdf2-sha256": sha256.New,
	"pbkdf2-sha384": sha512.New384, "pbkdf2-sha512": sha512.New,
}

// decodePBKDF2 reads "pbkdf2-sha256$rounds$salt$sum", where the rounds may be
// written "i=600000" or "i=600000,l=32", and a dot may stand for a plus.
func decodePBKDF2(parts []string) (e encoded, err error) {
	if len(parts) != 4 {
		return e, errUnknown
	}
	names := []string{"i", "l"}
	if !strings.Contains(parts[1], ",") {
		names = names[:1]
	}
	values, err := numbers("i="+strings.TrimPrefix(parts[1], "i="), names...)
	if err != nil {
		return e, err
	}
	for i := range parts[2:] {
		parts[2+i] = strings.ReplaceAll(parts[2+i], ".", "+")
	}
	salt, sum, err := saltAndSum(parts[2:])
	if err != nil {
		return e, err
	}
	if len(values) == 2 && values[1] != len(sum) {
		return e, errUnknown
	}
	h, rounds := pbkdf2Hashes[parts[0]], values[0]
	size := h().Size()
	if blocks := (len(sum) + size - 1) / size; rounds < 1 || rounds > mostRounds/blocks {
		return e, pbkdf2Cost
	}
	e.matches = matching(sum, func(password []byte) []byte {
		key, _ := pbkdf2.Key(h, string(password), salt, rounds, len(sum)) // no key equals no sum
		return key
	})
	return e, nil
}
