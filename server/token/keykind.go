package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
)

// KeyKind is a kind of signing key.
type KeyKind struct {
	// Algorithm is what the key signs by (RFC 7518, 3.1; RFC 8037, 3.1).
	Algorithm jose.SignatureAlgorithm
	// Bits is the length of an RSA key; 0 for the others, whose algorithm says
	// it.
	Bits int
}

// DefaultKeyKind is the kind that every relying party can verify (OpenID
// Connect Core 1.0, 15.1).
var DefaultKeyKind = KeyKind{Algorithm: jose.RS256, Bits: keyBits}

var (
	rsaAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}
	rsaBits       = []int{keyBits, 3072, 4096}
	curves        = map[jose.SignatureAlgorithm]elliptic.Curve{
		jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521(),
	}
)

// SigningAlgorithms returns what the keys of an instance may sign by, the
// default first.
func SigningAlgorithms() []jose.SignatureAlgorithm {
	return append(slices.Clone(rsaAlgorithms), jose.ES256, jose.ES384, jose.ES512, jose.EdDSA)
}

// KindOf returns the kind of a signing key. It returns an error if its public
// half cannot be read.
func KindOf(row *ent.SigningKey) (KeyKind, error) {
	kind := KeyKind{Algorithm: jose.SignatureAlgorithm(row.Algorithm)}
	public, err := publicKey(row)
	if pair, ok := public.(*rsa.PublicKey); ok {
		kind.Bits = pair.N.BitLen()
	}
	return kind, err
}

func publicKey(row *ent.SigningKey) (any, error) {
	public, err := x509.ParsePKIXPublicKey(row.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", row.KeyID, err)
	}
	return public, nil
}

// known reports whether keys of the kind can be made.
func (k KeyKind) known() bool {
	if slices.Contains(rsaAlgorithms, k.Algorithm) {
		return slices.Contains(rsaBits, k.Bits)
	}
	return k.Bits == 0 && (k.Algorithm == jose.EdDSA || curves[k.Algorithm] != nil)
}

// newKeyPair returns a pair of the kind that nobody else has. It returns the
// error of ctx if that ends before, and one for a kind that is not known.
func (t *Tokens) newKeyPair(ctx context.Context, kind KeyKind) (crypto.Signer, error) {
	switch {
	case !kind.known():
		return nil, fmt.Errorf("token: no signing keys are of %s with %d bits", kind.Algorithm, kind.Bits)
	case kind.Bits == keyBits:
		return t.pairs.take(ctx)
	case kind.Bits != 0:
		return t.pairs.takeLong(ctx, kind.Bits)
	case kind.Algorithm == jose.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return ecdsa.GenerateKey(curves[kind.Algorithm], rand.Reader)
}
