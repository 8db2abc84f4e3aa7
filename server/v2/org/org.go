// Package org is zitadel.org.v2.OrganizationService.
package org

import (
	"github.com/bastide-id/bastide/gen/zitadel/org/v2/orgv2connect"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the OrganizationService.
type Service struct {
	Organizations
	later
}

type later struct{ pending }

// pending has the methods that are still to come.
type pending struct {
	orgv2connect.UnimplementedOrganizationServiceHandler
}

// Options are what the service works with.
type Options struct {
	Store *store.Store
	Users *user.Users
}

// New returns the service.
func New(o Options) Service {
	return Service{Organizations: Organizations{store: o.Store, users: o.Users}}
}

// Organizations are the calls about organizations.
type Organizations struct {
	store *store.Store
	users *user.Users
}
