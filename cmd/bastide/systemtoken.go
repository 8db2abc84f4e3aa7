package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server"
)

// tokenLifetime is the longest that a server takes a system user's token for.
const tokenLifetime = time.Hour

type systemTokenCommand struct {
	Audience string `group:"command" placeholder:"URL" help:"URL of the server; without it the external URL of the settings below."`
	User     string `group:"command" placeholder:"NAME" default:"${firstSystemUser}" help:"System user to sign as; another one takes --key-file."`
	KeyFile  string `group:"command" placeholder:"FILE" help:"PEM private key of the user; without it system.key.pem in the data directory."`
	place    `group:"place"`
	address  `group:"address"`
}

// Run prints a token. It returns an error that says how to get a key if the
// key file is missing.
func (t systemTokenCommand) Run(ctx context.Context, p *process) error {
	c, err := complete(server.Config{}, t.place, t.address)
	if err != nil {
		return err
	}
	path := t.KeyFile
	if path == "" {
		if t.User != server.FirstSystemUser {
			return usageError{fmt.Errorf("--user: the key of %q is not in the data directory: give its file with --key-file", t.User)}
		}
		path = filepath.Join(c.DataDir, server.SystemKeyFile)
	}
	key, err := privateKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key at %s: the first start of the server makes it in its data directory; name that directory with --data-dir, or the key with --key-file", path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	audience := t.Audience
	if audience == "" {
		if audience, err = externalURL(ctx, c); err != nil {
			return err
		}
	}
	token, err := systemToken(key, t.User, audience, time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = fmt.Fprintln(p.stdout, token)
	return err
}

// externalURL returns the URL of the server that c is for. One that took a
// free port has to be asked.
func externalURL(ctx context.Context, c server.Config) (string, error) {
	if c.ExternalPort != 0 {
		return c.ExternalURL(), nil
	}
	s, err := server.ReadStatus(ctx, c.DataDir)
	if err != nil {
		return "", fmt.Errorf("the server's port is in no setting, and no server answers: give --audience or --external-port: %w", err)
	}
	return s.URL, nil
}

// systemToken signs a token with which the user calls the audience from now
// on, for an hour.
func systemToken(key crypto.Signer, user, audience string, now time.Time) (string, error) {
	algorithm, err := algorithmOf(key)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer:   user,
		Subject:  user,
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(tokenLifetime)),
	}).Serialize()
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

// privateKey reads a PEM private key: PKCS #8 as the first run writes it, or
// what other tools write.
func privateKey(path string) (crypto.Signer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("the file is not PEM")
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("the file has a PEM block %q: it must be a private key", block.Type)
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
