package auth

import "github.com/bastide-id/bastide/server/store"

// Policies are the calls about the policies that count for the calling user.
type Policies struct{ store *store.Store }
