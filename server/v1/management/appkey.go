package management

import (
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// ApplicationKeys are the calls about the keys of an application.
type ApplicationKeys struct {
	store  *store.Store
	tokens *token.Tokens
}
