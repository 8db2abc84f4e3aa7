package management

import "github.com/bastide-id/bastide/server/store"

// Metadata are the calls about values that clients keep with users and with the chosen organization.
type Metadata struct{ store *store.Store }
