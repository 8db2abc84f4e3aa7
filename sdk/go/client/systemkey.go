package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// SystemTokenLifetime is how long a system user's token is good for, the longest
// that a server takes it for.
const SystemTokenLifetime = time.Hour

// SystemToken signs a token with which a system user calls the server of the
// audience, its external URL, from now on for SystemTokenLifetime. keyPath is the
// user's PEM private key: RSA, ECDSA on P-256 or Ed25519. A client made by
// WithSystemKey does this by itself; this is for other programs that need one.
//
// It returns an error that names the file; errors.Is(err, fs.ErrNotExist) if
// there is none.
func SystemToken(user, keyPath, audience string) (string, error) {
	key, err := readPrivateKey(keyPath)
	if err != nil {
		return "", err
	}
	return signSystemToken(key, user, audience, time.Now())
}

// systemIssuer returns what signs tokens for a system user. Nobody has to be
// asked for them.
func systemIssuer(key crypto.Signer, user string, e exchange) issue {
	return func(context.Context) (string, time.Duration, error) {
		token, err := signSystemToken(key, user, e.audience, e.now())
		if err != nil {
			return "", 0, connect.NewError(connect.CodeInternal, fmt.Errorf("the token cannot be signed: %w", err))
		}
		return token, SystemTokenLifetime, nil
	}
}

func signSystemToken(key crypto.Signer, user, audience string, now time.Time) (string, error) {
	signer, err := newSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(selfSigned(user, audience, now, SystemTokenLifetime)).Serialize()
}

// selfSigned returns the claims of who speaks for itself. The id makes them
// others than those of the same second.
func selfSigned(name, audience string, now time.Time, lifetime time.Duration) jwt.Claims {
	return jwt.Claims{
		ID:       rand.Text(),
		Issuer:   name,
		Subject:  name,
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(lifetime)),
	}
}

func newSigner(key crypto.Signer, options *jose.SignerOptions) (jose.Signer, error) {
	algorithm, err := algorithmOf(key)
	if err != nil {
		return nil, err
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
}

func algorithmOf(key crypto.Signer) (jose.SignatureAlgorithm, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 2048 {
			return "", fmt.Errorf("the RSA key has %d bits: it needs 2048 or more", bits)
		}
		return jose.RS256, nil
	case ed25519.PrivateKey:
		return jose.EdDSA, nil
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return jose.ES256, nil
		}
	}
	return "", errors.New("the key must be RSA, ECDSA on P-256 or Ed25519")
}

// readPrivateKey reads the file of a PEM private key, one that can sign a
// token. Its errors name the file.
func readPrivateKey(path string) (crypto.Signer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(content)
	if err == nil {
		_, err = algorithmOf(key)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// parsePrivateKey reads a PEM private key: PKCS #8 as the server's first start
// writes it, or what other tools write.
func parsePrivateKey(content []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it has a PEM block %q: it must be a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}
