package token

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
)

// sweepBatch bounds a transaction, for others wait for it.
const sweepBatch = 1000

// Sweep deletes the access tokens and used assertions of all instances that have
// expired, batch by batch. Nobody waits for that: they are good for nothing
// already. It returns when the next one expires, the zero time if there is none.
// Several processes may sweep at once. It returns the errors of the database,
// and that of ctx if it ended before the last batch.
func (t *Tokens) Sweep(ctx context.Context) (next time.Time, err error) {
	ctx = across.Instances(ctx)
	for n := sweepBatch; n == sweepBatch; {
		err = t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			n, err = tx.Sweep(ctx, sweepBatch)
			return err
		})
		if err != nil {
			return next, err
		}
	}
	return t.store.NextExpiry(ctx)
}
