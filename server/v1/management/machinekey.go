package management

import (
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// MachineKeys are the calls about the keys of machine users.
type MachineKeys struct {
	store  *store.Store
	tokens *token.Tokens
}
