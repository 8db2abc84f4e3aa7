package management

import "github.com/bastide-id/bastide/server/store"

// Changes are the calls about the history of users and of the chosen organization.
type Changes struct{ store *store.Store }
