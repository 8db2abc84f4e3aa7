package admin

import "github.com/bastide-id/bastide/server/store"

// Languages are the calls about languages.
type Languages struct{ store *store.Store }
