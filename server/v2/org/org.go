// Package org is zitadel.org.v2.OrganizationService.
package org

import (
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
)

// Service is the OrganizationService.
type Service struct {
	Organizations
}

// Options are what the service works with.
type Options struct {
	Users *user.Users
	// Organizations changes organizations.
	Organizations *organization.Organizations
}

// New returns the service.
func New(o Options) Service {
	return Service{Organizations: Organizations{users: o.Users, organizations: o.Organizations}}
}
