package management

import "github.com/bastide-id/bastide/server/store"

// ProjectRoles are the calls about the roles of a project.
type ProjectRoles struct{ store *store.Store }
