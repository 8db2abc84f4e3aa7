// Package admin is zitadel.admin.v1.AdminService.
package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the AdminService.
type Service struct {
	Health
	Instances
	Languages
	TrustedDomains
	Organizations
	Members
	Policies
	Restrictions
	Events
}

// Options are what the service works with.
type Options struct {
	Store *store.Store
	Users *user.Users
	// Organizations changes organizations.
	Organizations *organization.Organizations
	// Version is that of the program.
	Version string
	// Ready returns why the server cannot serve.
	Ready func(context.Context) error
}

// New returns the service.
func New(o Options) Service {
	return Service{
		Health:         Health{ready: o.Ready},
		Instances:      Instances{store: o.Store, version: o.Version},
		Languages:      Languages{store: o.Store},
		TrustedDomains: TrustedDomains{store: o.Store},
		Organizations:  Organizations{store: o.Store, users: o.Users, organizations: o.Organizations},
		Members:        Members{store: o.Store, members: membership.Members{Store: o.Store, On: onInstance}},
		Policies:       Policies{store: o.Store},
		Restrictions:   Restrictions{store: o.Store},
		Events:         Events{store: o.Store},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *adminv1.HealthzRequest) (*adminv1.HealthzResponse, error) {
	return &adminv1.HealthzResponse{}, h.ready(ctx)
}
