package id

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// masterKeyLength is that of an AES-256 key.
const masterKeyLength = 32

// MasterKey seals what must be stored and read again.
type MasterKey struct{ key [masterKeyLength]byte }

// String keeps the key out of logs.
func (MasterKey) String() string { return "[redacted]" }

// GoString keeps the key out of logs.
func (MasterKey) GoString() string { return "[redacted]" }

// NewMasterKey returns a random key.
func NewMasterKey() MasterKey {
	var k MasterKey
	_, _ = rand.Read(k.key[:]) // never fails: crypto/rand ends the program first
	return k
}

// ParseMasterKey reads what Text returned.
func ParseMasterKey(text string) (MasterKey, error) {
	var k MasterKey
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != masterKeyLength {
		return k, errors.New("the master key must be 32 bytes in base64")
	}
	copy(k.key[:], raw)
	return k, nil
}

// Text returns the key as it is kept in its file.
func (k MasterKey) Text() string { return base64.StdEncoding.EncodeToString(k.key[:]) + "\n" }

// Fingerprint tells keys apart and says nothing of them.
func (k MasterKey) Fingerprint() []byte { return k.derive("fingerprint") }

// Seal encrypts secret with AES-256-GCM. What it is bound to (the table and
// the row) has to be given to Open again.
func (k MasterKey) Seal(secret []byte, boundTo string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, secret, []byte(boundTo)), nil
}

// Open decrypts what Seal returned. It fails for another key, another binding,
// or changed bytes.
func (k MasterKey) Open(sealed []byte, boundTo string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("id: the sealed secret is too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(boundTo))
}

func (k MasterKey) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("seal"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// derive keeps the uses of the key apart.
func (k MasterKey) derive(purpose string) []byte {
	mac := hmac.New(sha256.New, k.key[:])
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
