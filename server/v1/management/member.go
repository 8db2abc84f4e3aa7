package management

import "github.com/bastide-id/bastide/server/store"

// Members are the calls about the members of the chosen organization, and what users are members of.
type Members struct{ store *store.Store }
