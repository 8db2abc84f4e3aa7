package auth

import "github.com/bastide-id/bastide/server/store"

// UserGrants are the calls about the roles of projects that the calling user is granted.
type UserGrants struct{ store *store.Store }
