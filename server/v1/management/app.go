package management

import "github.com/bastide-id/bastide/server/store"

// Applications are the calls about the applications of a project.
type Applications struct{ store *store.Store }
