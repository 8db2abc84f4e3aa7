package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server"
)

// profileVariable is the environment variable that names a file for the
// processor profile of the server. Of several servers the last wins.
const profileVariable = "BASTIDE_BENCH_PROFILE"

// serveCandidate serves as the program does by default, on a free port, until
// standard input ends. The database is SQLite if no URL is given.
func serveCandidate(ctx context.Context, dataDir string, database []string) (err error) {
	c := server.Config{
		Listen:   "127.0.0.1:0",
		DataDir:  dataDir,
		Database: server.Secret(strings.Join(database, "")),
		Log:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if path := os.Getenv(profileVariable); path != "" {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	debug.SetGCPercent(server.GCPercent) // as the program does
	s, err := server.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Println(s.Address())
	return s.Run(serving(ctx))
}

// startCandidate starts a server on an empty data directory.
func startCandidate(ctx context.Context, name, dataDir string, database ...string) (*child, target, error) {
	c, err := startChild(ctx, candidateRole, append([]string{dataDir}, database...)...)
	if err != nil {
		return nil, target{}, err
	}
	t, err := candidateTarget(ctx, name, dataDir, c)
	if err != nil {
		return nil, target{}, errors.Join(err, c.stop())
	}
	return c, t, nil
}

func candidateTarget(ctx context.Context, name, dataDir string, c *child) (t target, err error) {
	_, port, err := net.SplitHostPort(c.address)
	if err != nil {
		return t, err
	}
	// The first instance owns localhost, so that its host is found at once, as
	// that of any real instance is.
	t = target{name: name, address: c.address, host: net.JoinHostPort("localhost", port), process: ofProcess(c.cmd.Process.Pid)}
	owner, err := os.ReadFile(filepath.Join(dataDir, server.OwnerTokenFile))
	if err != nil {
		return t, err
	}
	t.owner = strings.TrimSpace(string(owner))
	if t.system, err = systemToken(filepath.Join(dataDir, server.SystemKeyFile), "http://"+t.host); err != nil {
		return t, err
	}
	if t.instanceID, err = t.firstInstance(ctx); err != nil {
		return t, err
	}
	return t, t.populate(ctx)
}

// systemToken signs a token of the first run's system user for an hour, the
// longest there is.
func systemToken(keyFile, audience string) (string, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", fmt.Errorf("%s is not PEM", keyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	signing := jose.SigningKey{Algorithm: jose.RS256, Key: key.(crypto.Signer)}
	signer, err := jose.NewSigner(signing, nil)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer:   server.FirstSystemUser,
		Subject:  server.FirstSystemUser,
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(time.Hour)),
	}).Serialize()
}
