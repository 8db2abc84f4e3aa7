package auth

import (
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Humans are the calls about what is known of the calling person.
type Humans struct {
	store *store.Store
	users *user.Users
}
