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
	"path/filepath"
	"time"

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

// askTimeout bounds the question whether the database has committed.
const askTimeout = 10 * time.Second

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
	found, err := s.firstFiles(row.SystemPublicKey).settle()
	if err != nil {
		return nil, key, err
	}
	s.firstRun = s.firstRun || found // nobody has been told of it yet
	key, err = s.openMasterKey(ctx, row.MasterKeyFingerprint)
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

// runFirst makes the master key, the system user, and the first instance with
// its owner. The process can end at any moment, and what the database knows,
// somebody can use, at each:
//
//  1. The master key is put in its place, unless there is one.
//  2. The other secrets are written into a directory of their own, which is
//     named after the system user's public key.
//  3. The database commits the installation, with that public key.
//  4. The secrets are moved to their places, and the directory is removed.
//
// A process that ends before 3 leaves a database that knows nothing: the next
// start is a first run again. It takes the master key, and touches no directory
// of 2 that it did not make, for that may belong to another database. After a
// process that ended after 3, the next start finds the directory by the public
// key in the database, and does 4.
func (s *Server) runFirst(ctx context.Context, users *user.Users) error {
	if err := s.refuseAnother(); err != nil {
		return err
	}
	masterKey, err := s.firstMasterKey()
	if err != nil {
		return err
	}
	private, public, err := newSystemKey()
	if err != nil {
		return err
	}
	files := s.firstFiles(public)
	begun := false // whether the database may have committed
	err = files.make()
	if err == nil {
		err = files.write(SystemKeyFile, private)
	}
	if err == nil {
		begun, err = s.createFirst(ctx, users, masterKey, public, files)
	}
	switch {
	case err != nil && begun:
		return fmt.Errorf("the first run failed while the database committed: the next start finds out whether it did: %w", err)
	case err != nil:
		return errors.Join(fmt.Errorf("the first run failed: the next start is the first again: %w", err), files.remove())
	}
	s.firstRun = true
	_, err = files.settle()
	return err
}

// newSystemKey returns the key of the first system user: the private one in
// PKCS #8, PEM, and the public one in PKIX, DER.
func newSystemKey() (private, public []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, systemKeyBits)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	public, err = x509.MarshalPKIXPublicKey(key.Public())
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public, err
}

// createFirst makes the first instance and the row of the installation. With an
// error, begun tells whether the commit was begun: then the database may have
// done it all the same.
func (s *Server) createFirst(ctx context.Context, users *user.Users, masterKey id.MasterKey, public []byte, files firstFiles) (begun bool, err error) {
	tokens, err := token.New(token.Options{Store: s.store, MasterKey: id.NewKeyring(masterKey, nil), KeyPairs: -1, Log: s.log})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()
	instances := &instance.Instances{Store: s.store, Users: users, Tokens: tokens, ExternalDomain: s.config.ExternalDomain}
	ctx = caller.With(ctx, caller.Caller{Kind: caller.System, ID: FirstSystemUser})
	_, err = instances.Create(ctx, firstInstance(s.config.ExternalDomain), func(ctx context.Context, tx *store.Tx, made instance.Created) error {
		if err := files.write(OwnerTokenFile, []byte(made.PersonalAccessToken+"\n")); err != nil {
			return err
		}
		if err := files.write(OwnerKeyFile, append(made.MachineKey, '\n')); err != nil {
			return err
		}
		if err := tx.Installation.Create().SetID(1).SetMasterKeyFingerprint(masterKey.Fingerprint()).
			SetSystemPublicKey(public).SetFirstInstanceID(made.InstanceID).Exec(ctx); err != nil {
			return err
		}
		if err := s.config.passed(stepCommitting); err != nil {
			return err
		}
		begun = true
		return nil
	})
	if err == nil {
		return true, s.config.passed(stepCommitted)
	}
	if begun && s.hasCommitted(ctx, public) {
		s.log.Warn("the database did not answer the commit of the first run, and has done it", "error", err)
		return true, nil
	}
	return begun, err
}

// hasCommitted asks the database whether it has the installation with the
// system user's public key, after the answer to the commit was lost.
func (s *Server) hasCommitted(ctx context.Context, public []byte) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	row, err := s.installation(ctx)
	return err == nil && row != nil && bytes.Equal(row.SystemPublicKey, public)
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
