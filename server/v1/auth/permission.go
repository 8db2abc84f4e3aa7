package auth

import "github.com/bastide-id/bastide/server/store"

// Permissions are the calls about what the calling user may do.
type Permissions struct{ store *store.Store }
