// Package system is zitadel.system.v1.SystemService.
package system

import (
	"context"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the SystemService.
type Service struct {
	Health
	Instances
	Domains
	Members
}

// New returns the service. ready returns why the server cannot serve; version
// is that of the program.
func New(s *store.Store, instances *instance.Instances, version string, ready func(context.Context) error) Service {
	return Service{
		Health:    Health{ready: ready},
		Instances: Instances{store: s, instances: instances, version: version},
		Domains:   Domains{store: s},
		Members:   Members{store: s},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *systemv1.HealthzRequest) (*systemv1.HealthzResponse, error) {
	return &systemv1.HealthzResponse{}, h.ready(ctx)
}
