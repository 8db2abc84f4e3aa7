package instance

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/store"
)

// ChangeDomain runs f in a transaction with the instance of ctx and a domain in
// its ASCII form. It returns when the instance was created. It returns
// fault.Invalid for the request field "domain" if it is no host name, or
// fault.InstanceUnknown.
func ChangeDomain(ctx context.Context, s *store.Store, name string, f func(context.Context, *store.Tx, *ent.Instance, string) (store.Change, error)) (change store.Change, createdAt time.Time, err error) {
	if name, err = domain.Normalize("domain", name); err != nil {
		return change, createdAt, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		of, err := Get(ctx, tx.Instance)
		if err != nil {
			return err
		}
		createdAt = of.CreatedAt
		change, err = f(ctx, tx, of, name)
		return err
	})
	return change, createdAt, err
}
