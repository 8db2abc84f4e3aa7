package management

import "github.com/bastide-id/bastide/server/store"

// Domains are the calls about the domains of the chosen organization.
type Domains struct{ store *store.Store }
