package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
)

// rotationTimeout bounds a rotation of the master key, with the wait for a
// server that starts or rotates.
const rotationTimeout = 5 * time.Minute

// rotationStep is a moment of a rotation. Tests end the process there.
type rotationStep string

const (
	stepFormerKept       rotationStep = "the present key has its second name"
	stepNextWritten      rotationStep = "the next key is written, not in its place"
	stepNextPlaced       rotationStep = "the next key is in its place"
	stepSealed           rotationStep = "everything is sealed anew"
	stepRotationDone     rotationStep = "the database has committed the rotation"
	stepMasterKeyChanged rotationStep = "the next key is the present one"
)

// rotated tells a test that a rotation has come to a step.
func (c Config) rotated(step rotationStep) error {
	if c.rotationStep == nil {
		return nil
	}
	return c.rotationStep(step)
}

// masterKeys changes the master key while the server runs.
type masterKeys struct {
	server *Server
	ring   *id.Keyring
	turn   sync.Mutex // held by who rotates
	ended  context.Context
	stop   context.CancelFunc

	mu    sync.Mutex
	lacks []byte // the fingerprint whose lack was logged last
}

func (s *Server) newMasterKeys(present id.MasterKey) *masterKeys {
	m := &masterKeys{server: s}
	m.ring = id.NewKeyring(present, m.find)
	m.ended, m.stop = context.WithCancel(context.Background())
	return m
}

// close ends a rotation that has not come to the database, and waits for one
// that has.
func (m *masterKeys) close() {
	m.stop()
	m.turn.Lock()
}

// openMasterKey returns the key with the fingerprint, which the database goes
// by. It brings an interrupted rotation to its end, or waits for one that
// another process is about.
func (s *Server) openMasterKey(ctx context.Context, fingerprint []byte) (key id.MasterKey, err error) {
	if key, ok := s.masterKeyFiles().settled(fingerprint); ok {
		return key, nil
	}
	err = s.store.Exclusive(ctx, func() error {
		under, err := s.sealedUnder(ctx)
		if err == nil {
			key, err = s.masterKeyFiles().settle(under)
		}
		return err
	})
	return key, err
}

// sealedUnder returns the fingerprint that the database goes by. It waits for a
// rotation that is about to commit, also of a process that was killed.
func (s *Server) sealedUnder(ctx context.Context) (fingerprint []byte, err error) {
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		fingerprint, err = tx.SealedUnder(ctx)
		return err
	})
	return fingerprint, err
}

// find returns the key with the fingerprint, or without one the key that the
// database goes by now: another process may have rotated. It returns
// fault.MasterKeyGone if no file has it, and says so in the log once.
func (m *masterKeys) find(ctx context.Context, fingerprint []byte) (key id.MasterKey, err error) {
	if fingerprint == nil {
		row, err := m.server.installation(ctx)
		if err != nil {
			return key, err
		}
		fingerprint = row.MasterKeyFingerprint
	}
	key, err = m.server.masterKeyFiles().find(fingerprint)
	if err == nil {
		return key, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.lacks, fingerprint) {
		m.lacks = fingerprint
		m.server.log.Error("the master key was rotated elsewhere, and this server lacks the new one: it signs nothing until the file is replaced", "error", err)
	}
	return key, fault.MasterKeyGone.With()
}

// MasterKeyRotation tells of a rotation of the master key.
type MasterKeyRotation struct {
	// File has the new key, FormerFile the one before.
	File       string `json:"file"`
	FormerFile string `json:"formerFile"`
	// Key and FormerKey are the beginnings of their fingerprints.
	Key       string `json:"key"`
	FormerKey string `json:"formerKey"`
	// Sealed is how many values were sealed anew.
	Sealed int `json:"sealed"`
}

// errRotating refuses the second of two rotations at once.
var errRotating = errors.New("the master key is being rotated, or was just now: nothing was changed by this call")

// rotate makes a new master key and has everything sealed under it, while
// others read. The process can end at any moment: what the database goes by is
// in a file at each.
//
//  1. The present key gets a second name, by which it is kept.
//  2. The next key is written beside it.
//  3. The database commits, in one transaction: everything sealed under the
//     next key, and that key's fingerprint.
//  4. The next key is moved to the place of the present one.
//
// A start finds out by the fingerprint in the database whether 3 was done: then
// it does 4, else it puts the next key aside.
func (m *masterKeys) rotate() (done MasterKeyRotation, err error) {
	if !m.turn.TryLock() {
		return done, errRotating
	}
	defer m.turn.Unlock()
	ctx, cancel := context.WithTimeout(m.ended, rotationTimeout)
	defer cancel()
	before, err := m.server.installation(ctx)
	if err != nil {
		return done, fmt.Errorf("the master key was not rotated: %w", err)
	}
	err = m.server.store.Exclusive(ctx, func() error {
		under, err := m.server.sealedUnder(ctx)
		if err != nil {
			return fmt.Errorf("the master key was not rotated: %w", err)
		}
		if !bytes.Equal(under, before.MasterKeyFingerprint) {
			return errRotating
		}
		done, err = m.rotateFrom(ctx, under)
		return err
	})
	return done, err
}

func (m *masterKeys) rotateFrom(ctx context.Context, under []byte) (done MasterKeyRotation, err error) {
	files, next := m.server.masterKeyFiles(), id.NewMasterKey()
	present, err := files.settle(under)
	if err != nil {
		return done, fmt.Errorf("the master key was not rotated: %w", err)
	}
	m.ring.Take(present)
	done = MasterKeyRotation{
		File: files.path, FormerFile: files.former(under),
		Key: keyName(next.Fingerprint()), FormerKey: keyName(under),
	}
	made, err := files.prepare(present, next)
	if err != nil {
		return done, fmt.Errorf("nothing was changed: no new master key can be put in the place of %s: the server must own the file and be able to write its directory; move the key to such a place, name it there with --master-key-file, and call this again: %w", files.path, err)
	}
	m.ring.Add(next)
	if done.Sealed, err = m.reseal(ctx, present, next); err != nil {
		now, ask := m.server.sealedUnder(context.WithoutCancel(ctx))
		switch {
		case ask != nil:
			return done, fmt.Errorf("the database did not say whether it goes by the new master key; the next start finds out, and needs %s and %s until then: %w", files.path, files.next(), errors.Join(err, ask))
		case !bytes.Equal(now, next.Fingerprint()):
			return done, errors.Join(fmt.Errorf("the master key was not rotated: %w", err), files.takeBack(made))
		}
		m.server.log.Warn("the database did not answer the commit of the new master key, and has done it", "error", err)
	}
	m.ring.Take(next)
	m.server.log.Info("the master key was rotated", "masterKey", done.Key, "former", done.FormerKey, "formerFile", done.FormerFile, "sealed", done.Sealed)
	if err := m.server.config.rotated(stepRotationDone); err != nil {
		return done, err
	}
	if err := files.replace(); err != nil {
		return done, fmt.Errorf("the database goes by the new master key, which could not be moved to its place and is in %s: move it to %s, or let the next start do it: %w", files.next(), files.path, err)
	}
	return done, m.server.config.rotated(stepMasterKeyChanged)
}

// reseal has the database go by the next key, and returns how many values it
// has sealed under it.
func (m *masterKeys) reseal(ctx context.Context, present, next id.MasterKey) (n int, err error) {
	err = m.server.store.Write(across.Instances(ctx), func(ctx context.Context, tx *store.Tx) error {
		n, err = tx.Reseal(ctx, present.Fingerprint(), next.Fingerprint(), func(value []byte, boundTo string) ([]byte, error) {
			secret, err := present.Open(value, boundTo)
			if err != nil {
				return nil, err
			}
			return next.Seal(secret, boundTo)
		})
		if err != nil {
			return err
		}
		return m.server.config.rotated(stepSealed)
	})
	return n, err
}
