package token

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store"
)

// publishedFor is how long a key is published that signs no more: as long as what
// it signed is valid, and a minute for what was being signed.
const publishedFor = Lifetime + time.Minute

// signers sign with the active key of an instance, one for each type of token.
type signers map[jose.ContentType]jose.Signer

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
// key, which is not held longer than it is that, so that one that was retired or
// deleted signs nothing more. The first use in an instance makes the key.
func (t *Tokens) signer(ctx context.Context, typ jose.ContentType) (jose.Signer, error) {
	all, found, err := t.signers.Get(ctx, struct{}{})
	if err == nil && !found {
		var active sealedKey
		if active, err = t.makeFirstKey(ctx); err == nil {
			all, err = t.unsealSigners(ctx, active)
		}
	}
	return all[typ], err
}

// findSigners finds the active key and unseals it.
func (t *Tokens) findSigners(ctx context.Context, _ struct{}) (signers, bool, error) {
	var active sealedKey
	found, err := t.active.Row(ctx, nil, &active.id, &active.algorithm, &active.private)
	if err != nil || !found {
		return nil, false, err
	}
	all, err := t.unsealSigners(ctx, active)
	return all, err == nil, err
}

func (t *Tokens) unsealSigners(ctx context.Context, key sealedKey) (signers, error) {
	private, err := t.unseal(ctx, caller.InstanceOf(ctx).ID, key)
	if err != nil {
		return nil, fmt.Errorf("token: signing key %s: %w", key.id, err)
	}
	all := make(signers)
	for _, typ := range []jose.ContentType{idTokenType, accessTokenType} {
		all[typ], err = jose.NewSigner(
			jose.SigningKey{Algorithm: key.algorithm, Key: jose.JSONWebKey{Key: private, KeyID: key.id}},
			(&jose.SignerOptions{}).WithType(typ),
		)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
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
