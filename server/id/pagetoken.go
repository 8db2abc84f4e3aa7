package id

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// pageTokenVersion is the first byte of every page token.
const pageTokenVersion = 1

// pageTokenOverhead is the length of a token of an empty position: the version
// and the signature.
const pageTokenOverhead = 1 + aes.BlockSize

// PageTokens makes and reads page tokens.
type PageTokens struct{ signing, sealing []byte }

// String keeps the keys out of logs.
func (PageTokens) String() string { return "[redacted]" }

// GoString keeps the keys out of logs.
func (PageTokens) GoString() string { return "[redacted]" }

// PageTokens returns what makes and reads page tokens under the key.
func (k MasterKey) PageTokens() PageTokens {
	return PageTokens{signing: k.derive("page token signature"), sealing: k.derive("page token seal")}
}

// Seal returns the token of a position in a list. It is signed, and shows
// nothing of the position: neither keys of rows nor names of people. What it is
// bound to has to be given to Open again.
//
// The signature is the start of the key stream as well, so that no two tokens
// share one, however many are made (a synthetic IV, as in RFC 5297).
func (p PageTokens) Seal(position, boundTo []byte) string {
	token := make([]byte, pageTokenOverhead+len(position))
	token[0] = pageTokenVersion
	signature := p.sign(position, boundTo)
	copy(token[1:], signature)
	p.crypt(token[pageTokenOverhead:], position, signature)
	return base64.RawURLEncoding.EncodeToString(token)
}

// Open returns the position of a token. ok is false for anything that Seal did
// not make for the same binding.
func (p PageTokens) Open(token string, boundTo []byte) (position []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < pageTokenOverhead || raw[0] != pageTokenVersion {
		return nil, false
	}
	signature, sealed := raw[1:pageTokenOverhead], raw[pageTokenOverhead:]
	position = make([]byte, len(sealed))
	p.crypt(position, sealed, signature)
	if !hmac.Equal(signature, p.sign(position, boundTo)) {
		return nil, false
	}
	return position, true
}

func (p PageTokens) sign(position, boundTo []byte) []byte {
	mac := hmac.New(sha256.New, p.signing)
	length := binary.BigEndian.AppendUint64([]byte{pageTokenVersion}, uint64(len(boundTo)))
	for _, part := range [][]byte{length, boundTo, position} {
		mac.Write(part)
	}
	return mac.Sum(nil)[:aes.BlockSize]
}

func (p PageTokens) crypt(dst, src, iv []byte) {
	block, err := aes.NewCipher(p.sealing)
	if err != nil {
		panic(err) // the key is derived, and as long as AES takes it
	}
	cipher.NewCTR(block, iv).XORKeyStream(dst, src)
}
