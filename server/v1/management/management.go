// Package management is zitadel.management.v1.ManagementService.
package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// Service is the ManagementService.
type Service struct {
	Health
	Organizations
	Users
	Machines
}

// New returns the service. ready returns why the server cannot serve.
func New(s *store.Store, users *user.Users, tokens *token.Tokens, ready func(context.Context) error) Service {
	return Service{
		Health:        Health{ready: ready},
		Organizations: Organizations{store: s},
		Users:         Users{store: s, users: users},
		Machines:      Machines{store: s, users: users, tokens: tokens},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *managementv1.HealthzRequest) (*managementv1.HealthzResponse, error) {
	return &managementv1.HealthzResponse{}, h.ready(ctx)
}
