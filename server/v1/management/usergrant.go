package management

import "github.com/bastide-id/bastide/server/store"

// UserGrants are the calls about the roles of projects that users are granted.
type UserGrants struct{ store *store.Store }
