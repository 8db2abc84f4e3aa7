package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
)

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
	audience := t.Audience
	if audience == "" {
		if audience, err = externalURL(ctx, c); err != nil {
			return err
		}
	}
	token, err := client.SystemToken(t.User, path, audience)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key at %s: the first start of the server makes it in its data directory; name that directory with --data-dir, or the key with --key-file", path)
	}
	if err != nil {
		return err
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
