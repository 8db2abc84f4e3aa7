package management

import "github.com/bastide-id/bastide/server/store"

// Instances are the calls about the instance that the organization belongs to.
type Instances struct{ store *store.Store }
