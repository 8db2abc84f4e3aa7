package auth

import "github.com/bastide-id/bastide/server/store"

// Metadata are the calls about values that clients keep with the calling user.
type Metadata struct{ store *store.Store }
