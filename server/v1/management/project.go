package management

import "github.com/bastide-id/bastide/server/store"

// Projects are the calls about projects of the chosen organization.
type Projects struct{ store *store.Store }
