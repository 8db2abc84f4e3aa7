package auth

import "github.com/bastide-id/bastide/server/store"

// Changes are the calls about the history of the calling user.
type Changes struct{ store *store.Store }
