package management

import (
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// PersonalAccessTokens are the calls about the personal access tokens of machine users.
type PersonalAccessTokens struct {
	store  *store.Store
	tokens *token.Tokens
}
