package token_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// While the master key is rotated ID tokens are issued and signing keys made.
// After it the last key alone opens all of them.
func TestSigningWhileTheMasterKeyIsRotated(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		const rotations, workers = 8, 3
		present := id.NewMasterKey()
		ring := id.NewKeyring(present, nil)
		d.Write(t, t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.Installation.Create().SetID(1).SetMasterKeyFingerprint(present.Fingerprint()).SetSystemPublicKey([]byte("x")).Exec(ctx)
		})
		issue := func(ctx context.Context, ring *id.Keyring) {
			// With nothing in memory: each has to open the signing key, or to make it.
			tokens, err := token.New(token.Options{Store: d.Store, MasterKey: ring, KeyPairs: -1})
			if err == nil {
				_, err = tokens.IDToken(ctx, "subject", here, "audience", nil)
			}
			if err != nil {
				t.Error(err)
			}
		}
		instances := make([]context.Context, workers)
		for i := range instances {
			instances[i], _ = d.Instance(t, here)
		}
		issue(instances[0], ring)
		done := make(chan struct{})
		var all sync.WaitGroup
		for _, ctx := range instances {
			all.Go(func() {
				for {
					issue(ctx, ring)
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		for range rotations {
			next := id.NewMasterKey()
			ring.Add(next)
			d.Write(t, across.Instances(t.Context()), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Reseal(ctx, present.Fingerprint(), next.Fingerprint(), func(value []byte, boundTo string) ([]byte, error) {
					secret, err := present.Open(value, boundTo)
					if err != nil {
						return nil, fmt.Errorf("a value is not under the former key: %w", err)
					}
					return next.Seal(secret, boundTo)
				})
				return err
			})
			ring.Take(next)
			present = next
		}
		close(done)
		all.Wait()
		for _, ctx := range instances {
			issue(ctx, id.NewKeyring(present, nil))
			if keys, err := d.Tokens.PublicKeys(ctx); err != nil || len(keys.Keys) != 1 {
				t.Errorf("the instance has the keys %v, the error is %v", keys, err)
			}
		}
	})
}
