package management

import "github.com/bastide-id/bastide/server/store"

// Policies are the calls about the policies of the chosen organization.
type Policies struct{ store *store.Store }
