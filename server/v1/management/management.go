// Package management is zitadel.management.v1.ManagementService.
package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// Service is the ManagementService.
type Service struct {
	Health
	Instances
	Users
	Humans
	Machines
	MachineKeys
	PersonalAccessTokens
	Metadata
	Changes
	Organizations
	Domains
	Members
	Policies
	Projects
	ProjectRoles
	Applications
	ApplicationKeys
	UserGrants
}

// Options are what the service works with.
type Options struct {
	Store *store.Store
	Users *user.Users
	// Organizations changes organizations.
	Organizations *organization.Organizations
	Tokens        *token.Tokens
	// World reads what the owners of domains publish.
	World domain.World
	// Ready returns why the server cannot serve.
	Ready func(context.Context) error
}

// New returns the service.
func New(o Options) Service {
	return Service{
		Health:               Health{ready: o.Ready},
		Instances:            Instances{store: o.Store},
		Users:                Users{store: o.Store, users: o.Users},
		Humans:               Humans{store: o.Store, users: o.Users},
		Machines:             Machines{store: o.Store, users: o.Users},
		MachineKeys:          MachineKeys{store: o.Store, tokens: o.Tokens},
		PersonalAccessTokens: PersonalAccessTokens{store: o.Store, tokens: o.Tokens},
		Metadata:             Metadata{store: o.Store},
		Changes:              Changes{store: o.Store},
		Organizations:        Organizations{store: o.Store, organizations: o.Organizations},
		Domains:              Domains{store: o.Store, proofs: domain.Proofs{Store: o.Store, World: o.World}},
		Members:              Members{store: o.Store, members: membership.Members{Store: o.Store, On: onOrganization}},
		Policies:             Policies{store: o.Store},
		Projects:             Projects{store: o.Store},
		ProjectRoles:         ProjectRoles{store: o.Store},
		Applications:         Applications{store: o.Store},
		ApplicationKeys:      ApplicationKeys{store: o.Store, tokens: o.Tokens},
		UserGrants:           UserGrants{store: o.Store},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *managementv1.HealthzRequest) (*managementv1.HealthzResponse, error) {
	return &managementv1.HealthzResponse{}, h.ready(ctx)
}
