// Package admin is zitadel.admin.v1.AdminService.
package admin

import (
	"context"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the AdminService.
type Service struct {
	Health
	Instances
	Members
}

// New returns the service. ready returns why the server cannot serve; version
// is that of the program.
func New(s *store.Store, version string, ready func(context.Context) error) Service {
	return Service{
		Health:    Health{ready: ready},
		Instances: Instances{store: s, version: version},
		Members:   Members{store: s},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *adminv1.HealthzRequest) (*adminv1.HealthzResponse, error) {
	return &adminv1.HealthzResponse{}, h.ready(ctx)
}
