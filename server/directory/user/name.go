package user

import (
	"context"

	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/store"
)

// FreeName takes a user name away from a user of a removed organization that
// was not erased yet. It is called before a name is given to a user: the scope
// is that of the name, the key its store.Key.
func FreeName(ctx context.Context, tx *store.Tx, scope string, key []byte) error {
	return tx.EraseUsers(ctx, user.NameScope(scope), user.NameKey(key))
}
