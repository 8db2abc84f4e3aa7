package admin

import "github.com/bastide-id/bastide/server/store"

// Policies are the calls about the policies of the instance, and the domain policies of its organizations.
type Policies struct{ store *store.Store }
