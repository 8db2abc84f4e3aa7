package admin

import "github.com/bastide-id/bastide/server/store"

// Restrictions are the calls about what the instance restricts.
type Restrictions struct{ store *store.Store }
