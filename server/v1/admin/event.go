package admin

import "github.com/bastide-id/bastide/server/store"

// Events are the calls about the history of the instance.
type Events struct{ store *store.Store }
