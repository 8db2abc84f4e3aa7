package admin

import "github.com/bastide-id/bastide/server/store"

// TrustedDomains are the calls about the domains that the instance trusts.
type TrustedDomains struct{ store *store.Store }
