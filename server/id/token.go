package id

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// Kind is the prefix of a token: it says whose and of which kind it is, so
// that a leaked one is recognized.
type Kind string

// The kinds of token.
const (
	PersonalAccessToken Kind = "bastide_pat_"
	AccessToken         Kind = "bastide_at_"
	// MachineSecret is what a machine user authenticates with as a client. It
	// is no token: SecretKindOf knows it, KindOf does not.
	MachineSecret Kind = "bastide_ms_"
	// ApplicationSecret is what a client or an API authenticates with. It is
	// no token: SecretKindOf knows it, KindOf does not.
	ApplicationSecret Kind = "bastide_app_"
)

const (
	alphabet     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomLength = 30 // 178 bits
	checkLength  = 6
)

// NewToken returns a token: the prefix, 30 random base62 digits and 6 digits
// of checksum.
func NewToken(kind Kind) string {
	token := string(kind) + randomText(randomLength)
	return token + checksum(token)
}

// KindOf returns the kind of a token whose length and checksum are right.
// It tells mistyped and cut ones without asking a database.
func KindOf(token string) (kind Kind, ok bool) {
	return kindAmong(token, PersonalAccessToken, AccessToken)
}

// SecretKindOf is KindOf for what clients authenticate with.
func SecretKindOf(secret string) (kind Kind, ok bool) {
	return kindAmong(secret, MachineSecret, ApplicationSecret)
}

func kindAmong(token string, kinds ...Kind) (kind Kind, ok bool) {
	for _, kind := range kinds {
		body, found := strings.CutPrefix(token, string(kind))
		if !found || len(body) != randomLength+checkLength {
			continue
		}
		at := len(token) - checkLength
		return kind, checksum(token[:at]) == token[at:]
	}
	return "", false
}

// Hash returns what is stored of a token: its SHA-256, which is enough for a
// text of 178 random bits.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// codeLength is in characters of 5 bits each.
const codeLength = 10

// NewCode returns a code that a person can type, once and soon: 50 random bits
// in upper case letters and digits (RFC 4648, 6).
func NewCode() string { return rand.Text()[:codeLength] }

// Suffix returns n random characters that may stand in a DNS label.
func Suffix(n int) string { return strings.ToLower(randomText(n)) }

func randomText(n int) string {
	text := make([]byte, n)
	for i := range text {
		digit, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // does not happen: crypto/rand ends the program first
		}
		text[i] = alphabet[digit.Int64()]
	}
	return string(text)
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	digits := make([]byte, checkLength)
	for i := range digits {
		digits[checkLength-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(digits)
}
