package admin

import (
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Organizations are the calls about the organizations of the instance.
type Organizations struct {
	store *store.Store
	users *user.Users
}
