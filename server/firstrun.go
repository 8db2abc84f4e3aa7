package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// systemKeyBits is the size of the first system user's RSA key.
const systemKeyBits = 2048

// openInstallation returns what the database says of the installation, and its
// master key. The first process on a database makes both, and the first
// instance.
func (s *Server) openInstallation(ctx context.Context, users *user.Users) (row *ent.Installation, key id.MasterKey, err error) {
	if row, err = s.installation(ctx); row == nil && err == nil {
		err = s.store.Exclusive(ctx, func() error {
			if row, err = s.installation(ctx); row != nil || err != nil {
				return err // another process was first
			}
			return s.runFirst(ctx, users)
		})
		if err == nil && row == nil {
			row, err = s.installation(ctx)
		}
	}
	if err != nil {
		return nil, key, err
	}
	key, err = s.readMasterKey()
	if err == nil && !bytes.Equal(key.Fingerprint(), row.MasterKeyFingerprint) {
		err = fmt.Errorf("the master key in %s is not that of the database: name the right file with --master-key-file", s.masterKeyPath())
	}
	return row, key, err
}

// installation returns the row that the first run left, nil before it.
func (s *Server) installation(ctx context.Context) (*ent.Installation, error) {
	row, err := s.store.Read().Installation.Query().Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}

func (s *Server) masterKeyPath() string {
	if s.config.MasterKeyFile != "" {
		return s.config.MasterKeyFile
	}
	return filepath.Join(s.config.DataDir, masterKeyFile)
}

func (s *Server) readMasterKey() (id.MasterKey, error) {
	text, err := os.ReadFile(s.masterKeyPath())
	if errors.Is(err, os.ErrNotExist) {
		return id.MasterKey{}, fmt.Errorf("the database belongs to an installation whose master key is not in %s: copy the file there, or name it with --master-key-file", s.masterKeyPath())
	}
	if err != nil {
		return id.MasterKey{}, fmt.Errorf("--master-key-file: %w", err)
	}
	key, err := id.ParseMasterKey(string(text))
	if err != nil {
		return key, fmt.Errorf("--master-key-file: %s: %w", s.masterKeyPath(), err)
	}
	return key, nil
}

// runFirst makes the master key, the system user, and the first instance with
// its owner. The secrets are on disk before the database commits: what the
// database knows, somebody can use.
func (s *Server) runFirst(ctx context.Context, users *user.Users) (err error) {
	files := &secretFiles{}
	defer func() { err = errors.Join(err, files.close()) }()
	masterKey, err := s.firstMasterKey(files)
	if err != nil {
		return err
	}
	systemKey, err := rsa.GenerateKey(rand.Reader, systemKeyBits)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(systemKey)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(systemKey.Public())
	if err != nil {
		return err
	}
	if err := files.write(s.file(SystemKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err != nil {
		return err
	}
	tokens, err := token.New(token.Options{Store: s.store, MasterKey: masterKey, KeyPairs: -1, Log: s.log})
	if err != nil {
		return err
	}
	instances := &instance.Instances{Store: s.store, Users: users, Tokens: tokens, ExternalDomain: s.config.ExternalDomain}
	ctx = caller.With(ctx, caller.Caller{Kind: caller.System, ID: FirstSystemUser})
	_, err = instances.Create(ctx, firstInstance(s.config.ExternalDomain), func(ctx context.Context, tx *store.Tx, made instance.Created) error {
		if err := files.write(s.file(OwnerTokenFile), []byte(made.PersonalAccessToken+"\n")); err != nil {
			return err
		}
		if err := files.write(s.file(OwnerKeyFile), append(made.MachineKey, '\n')); err != nil {
			return err
		}
		return tx.Installation.Create().SetID(1).SetMasterKeyFingerprint(masterKey.Fingerprint()).
			SetSystemPublicKey(public).SetFirstInstanceID(made.InstanceID).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("the first run failed, and left nothing behind: %w", err)
	}
	files.kept, s.firstRun = true, true
	return tokens.Close()
}

func (s *Server) file(name string) string { return filepath.Join(s.config.DataDir, name) }

// firstMasterKey returns the key of the file, or a new one in it.
func (s *Server) firstMasterKey(files *secretFiles) (id.MasterKey, error) {
	if _, err := os.Stat(s.masterKeyPath()); err == nil {
		return s.readMasterKey()
	}
	key := id.NewMasterKey()
	return key, files.write(s.masterKeyPath(), []byte(key.Text()))
}

// firstInstance is what a newcomer finds.
func firstInstance(externalDomain string) instance.New {
	return instance.New{
		Name:         "Bastide",
		CustomDomain: externalDomain,
		Owner: user.New{
			UserName: "owner",
			Machine:  &user.Machine{Name: "Owner", Description: "Owner of the first instance"},
		},
		Token: &instance.Credential{},
		Key:   &instance.Credential{},
	}
}
