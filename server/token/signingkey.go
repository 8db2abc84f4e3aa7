package token

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
)

// maxSigners bounds the keys that are held ready to sign.
const maxSigners = 1000

// signers keeps the keys that were unsealed, by instance, id and what they sign. A key never
// changes, so nothing here grows old.
type signers struct {
	mu    sync.Mutex
	byKey map[signerKey]jose.Signer
}

type signerKey struct{ instanceID, keyID, typ string }

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

// PublicKeys returns the keys that verify the ID tokens of the instance of ctx;
// none before the first ID token. It returns the errors of the database.
func (t *Tokens) PublicKeys(ctx context.Context) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	rows, err := t.store.Read().SigningKey.Query().
		Order(ent.Desc(signingkey.FieldID)).
		Select(signingkey.FieldKeyID, signingkey.FieldPublicKey).
		All(ctx)
	if err != nil {
		return set, err
	}
	for _, row := range rows {
		key, err := x509.ParsePKIXPublicKey(row.PublicKey)
		if err != nil {
			return set, fmt.Errorf("token: signing key %s: %w", row.KeyID, err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: row.KeyID, Algorithm: string(jose.RS256), Use: "sig"})
	}
	return set, nil
}

// signer returns what signs the JWTs of a type of the instance of ctx. Its first
// use in an instance makes the key.
func (t *Tokens) signer(ctx context.Context, typ string) (jose.Signer, error) {
	row, err := activeKey(ctx, t.store.Read())
	if ent.IsNotFound(err) {
		row, err = t.makeSigningKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	key := signerKey{instanceID: caller.InstanceOf(ctx).ID, keyID: row.KeyID, typ: typ}
	if known := t.signers.get(key); known != nil {
		return known, nil
	}
	private, err := t.unseal(row)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", row.KeyID, err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: row.KeyID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)),
	)
	if err != nil {
		return nil, err
	}
	t.signers.put(key, signer)
	return signer, nil
}

func activeKey(ctx context.Context, client *ent.Client) (*ent.SigningKey, error) {
	return client.SigningKey.Query().Where(signingkey.StateEQ(signingkey.StateActive)).Order(ent.Desc(signingkey.FieldID)).First(ctx)
}

// makeSigningKey makes the key of the instance of ctx, or returns the one that
// another caller made meanwhile.
func (t *Tokens) makeSigningKey(ctx context.Context) (*ent.SigningKey, error) {
	keyID, err := t.store.NewID()
	if err != nil {
		return nil, err
	}
	private, err := t.pairs.take(ctx)
	if err != nil {
		return nil, err
	}
	sealed, public, err := t.seal(private, caller.InstanceOf(ctx).ID, keyID)
	if err != nil {
		return nil, err
	}
	var row *ent.SigningKey
	err = t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		instance, err := tx.Instance.Query().Only(ctx)
		if err != nil {
			return err
		}
		if err := tx.Lock(ctx, store.InstanceObject(instance)); err != nil {
			return err
		}
		if row, err = activeKey(ctx, tx.Client()); !ent.IsNotFound(err) {
			return err
		}
		row, err = tx.SigningKey.Create().
			SetKeyID(keyID).
			SetInstancePk(instance.ID).
			SetPrivateKey(sealed).
			SetPublicKey(public).
			SetAlgorithm(string(jose.RS256)).
			SetState(signingkey.StateActive).
			SetActivatedAt(tx.Now()).
			Save(ctx)
		return err
	})
	return row, err
}

// seal returns the private key as it is stored, and the public one.
func (t *Tokens) seal(private *rsa.PrivateKey, instanceID, keyID string) (sealed, public []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	if public, err = x509.MarshalPKIXPublicKey(&private.PublicKey); err != nil {
		return nil, nil, err
	}
	sealed, err = t.masterKey.Seal(der, boundTo(instanceID, keyID))
	return sealed, public, err
}

func (t *Tokens) unseal(row *ent.SigningKey) (any, error) {
	der, err := t.masterKey.Open(row.PrivateKey, boundTo(row.InstanceID, row.KeyID))
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// boundTo names the row of a sealed key, so that it opens nowhere else.
func boundTo(instanceID, keyID string) string {
	return signingkey.Table + "/" + instanceID + "/" + keyID
}
