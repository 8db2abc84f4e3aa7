package token

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
)

const (
	// maxSigners bounds the keys that are held ready to sign.
	maxSigners = 1000
	// publishedFor is how long a key is published that signs no more: as long as
	// what it signed is valid, and a minute for what was being signed.
	publishedFor = Lifetime + time.Minute
)

// signers keeps the keys that were unsealed, by instance and id. A key never
// changes, so nothing here grows old.
type signers struct {
	mu    sync.Mutex
	byKey map[signerKey]jose.Signer
}

type signerKey struct {
	instanceID, keyID string
	typ               jose.ContentType
}

func newSigners() *signers { return &signers{byKey: make(map[signerKey]jose.Signer)} }

func (s *signers) get(key signerKey) jose.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key]
}

func (s *signers) put(key signerKey, signer jose.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byKey) >= maxSigners {
		for other := range s.byKey { // any one
			delete(s.byKey, other)
			break
		}
	}
	s.byKey[key] = signer
}

// PublicKeys returns the keys that verify what the instance of ctx signs, the
// newest first: those that will sign, the one that does, and those that did
// until what they signed has expired. There are none before the first signature.
// It returns the errors of the database.
func (t *Tokens) PublicKeys(ctx context.Context) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	rows, err := t.store.Read().SigningKey.Query().
		Where(signingkey.Or(signingkey.StateNEQ(signingkey.StateInactive), signingkey.RetiredAtGT(t.store.Now().Add(-publishedFor)))).
		Order(ent.Desc(signingkey.FieldID)).
		Select(signingkey.FieldKeyID, signingkey.FieldAlgorithm, signingkey.FieldPublicKey).
		All(ctx)
	if err != nil {
		return set, err
	}
	for _, row := range rows {
		key, err := publicKey(row)
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: row.KeyID, Algorithm: row.Algorithm, Use: "sig"})
	}
	return set, nil
}

// sealedKey is a signing key as it is stored.
type sealedKey struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   []byte
}

// signer returns what signs tokens of a type for the instance of ctx: its active
// key, which is asked for each time, so that one that was retired or deleted
// signs nothing more. The first use in an instance makes the key.
func (t *Tokens) signer(ctx context.Context, typ jose.ContentType) (jose.Signer, error) {
	var active sealedKey
	found, err := t.active.Row(ctx, nil, &active.id, &active.algorithm, &active.private)
	if err == nil && !found {
		active, err = t.makeFirstKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	key := signerKey{instanceID: caller.InstanceOf(ctx).ID, keyID: active.id, typ: typ}
	if known := t.signers.get(key); known != nil {
		return known, nil
	}
	private, err := t.unseal(ctx, key.instanceID, active)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", active.id, err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: active.algorithm, Key: jose.JSONWebKey{Key: private, KeyID: active.id}},
		(&jose.SignerOptions{}).WithType(typ),
	)
	if err != nil {
		return nil, err
	}
	t.signers.put(key, signer)
	return signer, nil
}

// activeLookup finds the key that signs.
func activeLookup(s *store.Store) *store.Lookup {
	return s.Lookup(signingkey.Table, func(s *sql.Selector) {
		s.Select(s.C(signingkey.FieldKeyID), s.C(signingkey.FieldAlgorithm), s.C(signingkey.FieldPrivateKey))
		s.Where(sql.EQ(s.C(signingkey.FieldState), signingkey.StateActive))
	})
}

// active is the condition of the key that signs.
func active() predicate.SigningKey { return signingkey.StateEQ(signingkey.StateActive) }

// makeFirstKey makes the key of the instance of ctx, or returns the one that
// another caller made meanwhile.
func (t *Tokens) makeFirstKey(ctx context.Context) (sealedKey, error) {
	made, err := t.newSigningKey(ctx, DefaultKeyKind)
	if err != nil {
		return sealedKey{}, err
	}
	var row *ent.SigningKey
	err = t.changeKeys(ctx, func(ctx context.Context, c *keyChange) (err error) {
		if row, err = c.tx.SigningKey.Query().Where(active()).Only(ctx); !ent.IsNotFound(err) {
			return err
		}
		if row, err = c.add(ctx, made, nil); err == nil {
			row, err = c.activate(ctx, row)
		}
		return err
	})
	if err != nil {
		return sealedKey{}, err
	}
	return sealedKey{id: row.KeyID, algorithm: jose.SignatureAlgorithm(row.Algorithm), private: row.PrivateKey}, nil
}

func (t *Tokens) unseal(ctx context.Context, instanceID string, key sealedKey) (crypto.PrivateKey, error) {
	der, err := t.masterKey.Open(ctx, key.private, store.SealedSigningKey.BoundTo(instanceID, key.id))
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(der)
}
