package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
)

// systemKey signs as a system user.
type systemKey struct {
	SystemKey string `xor:"credential" placeholder:"FILE" help:"PEM private key of a system user; for the system API without it system.key.pem in the data directory."`
	User      string `placeholder:"NAME" default:"${firstSystemUser}" help:"The system user of the key."`
}

// credential is who calls.
type credential struct {
	Token     string `xor:"credential" placeholder:"TOKEN" help:"Token to call with; others on this machine can see it here."`
	TokenFile string `xor:"credential" placeholder:"FILE" help:"File of a token, such as owner.pat; - is standard input."`
	KeyFile   string `xor:"credential" placeholder:"FILE" help:"Key file (JSON) of a machine user, such as owner.key.json."`
	Anonymous bool   `xor:"credential" help:"Call as nobody."`
	systemKey
}

// option returns the option of the flags. Without any it is that of the
// variable, else a secret of the data directory, which is only for its own
// server while that runs: for the system API the key of the system user, else
// the token of the owner.
func (c credential) option(p *process, at located, variable string, system bool) (client.Option, error) {
	if c.SystemKey == "" && c.User != server.FirstSystemUser {
		return nil, usageError{errors.New("--user: is for the key of a system user: give --system-key as well")}
	}
	switch {
	case c.Anonymous:
		return client.WithoutCredential(), nil
	case c.SystemKey != "":
		return client.WithSystemKey(c.User, c.SystemKey), nil
	case c.KeyFile != "":
		return client.WithKeyFile(c.KeyFile), nil
	case c.TokenFile != "":
		token, err := readSecret(p, "--token-file", c.TokenFile)
		return client.WithToken(token), err
	case c.Token != "":
		return client.WithToken(c.Token), nil
	case variable != "":
		return client.WithToken(variable), nil
	}
	return at.secret(system)
}

// secret returns what the data directory has to call its server with. It
// returns a usageError for another server, and an error if there is no such file
// or the server is down.
func (l located) secret(system bool) (client.Option, error) {
	name, flags := server.OwnerTokenFile, "--token-file, --key-file or BASTIDE_TOKEN"
	if system {
		name, flags = server.SystemKeyFile, "--system-key"
	}
	path := filepath.Join(l.dataDir, name)
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is nothing to call with, for there is no %s: the first start of the server makes it in its data directory; name that with --data-dir, or give %s", path, flags)
	case err != nil:
		return nil, err
	case errors.Is(l.down, server.ErrNotRunning):
		return nil, fmt.Errorf("no server runs on the data directory %s, so nobody is told the secrets of that: start it with bastide serve, or name a server with --url and give %s", l.dataDir, flags)
	case l.down != nil:
		return nil, fmt.Errorf("the server of the data directory %s does not say where it is, so nobody is told the secrets of that: name the server with --url and give %s: %w", l.dataDir, flags, l.down)
	case l.external == "":
		return nil, usageError{fmt.Errorf("--url: this is not the server of the data directory %s, so it is not told the secrets of that: give %s", l.dataDir, flags)}
	case system:
		return client.WithSystemKey(server.FirstSystemUser, path), nil
	}
	return client.WithTokenFile(path), nil
}

// readSecret reads the file of a secret, which has nothing else in it but space
// around.
func readSecret(p *process, flag, path string) (string, error) {
	var content []byte
	var err error
	if path == "-" {
		content, err = io.ReadAll(p.stdin)
	} else {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s: there is nothing in it", flag)
	}
	return secret, nil
}

// flagsOfOptions are the flags that set the options of the client.
var flagsOfOptions = strings.NewReplacer(
	"client: the URL must", "--url: it must",
	"client: ", "",
	"WithTokenFile", server.OwnerTokenFile,
	"WithToken", "--token",
	"WithKeyFile", "--key-file",
	"WithSystemKey", "--system-key",
	"WithOrganization", "--org",
	"WithHost", "--host",
	"WithCleartext", "--cleartext",
)

// flagged returns an error about an option as one about a flag: a usageError but
// where the flag names a file and that is at fault.
func flagged(err error) error {
	if early := ended(err); early != nil {
		return early
	}
	text := flagsOfOptions.Replace(err.Error())
	for _, file := range []string{"--key-file", "--system-key", server.OwnerTokenFile} {
		if strings.HasPrefix(text, file) {
			return errors.New(text)
		}
	}
	return usageError{errors.New(text)}
}
