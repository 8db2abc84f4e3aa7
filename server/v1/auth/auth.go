// Package auth is zitadel.auth.v1.AuthService.
package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the AuthService.
type Service struct {
	Health
	Users
}

// New returns the service. ready returns why the server cannot serve.
func New(s *store.Store, ready func(context.Context) error) Service {
	return Service{Health: Health{ready: ready}, Users: Users{store: s}}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *authv1.HealthzRequest) (*authv1.HealthzResponse, error) {
	return &authv1.HealthzResponse{}, h.ready(ctx)
}
