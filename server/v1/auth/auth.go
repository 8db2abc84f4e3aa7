// Package auth is zitadel.auth.v1.AuthService.
package auth

import (
	"context"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Service is the AuthService.
type Service struct {
	Health
	Languages
	Users
	Humans
	Metadata
	Changes
	Policies
	Permissions
	UserGrants
}

// Options are what the service works with.
type Options struct {
	Store *store.Store
	Users *user.Users
	// Ready returns why the server cannot serve.
	Ready func(context.Context) error
}

// New returns the service.
func New(o Options) Service {
	return Service{
		Health:      Health{ready: o.Ready},
		Languages:   Languages{store: o.Store},
		Users:       Users{store: o.Store, users: o.Users},
		Humans:      Humans{store: o.Store, users: o.Users},
		Metadata:    Metadata{store: o.Store},
		Changes:     Changes{store: o.Store},
		Policies:    Policies{store: o.Store},
		Permissions: Permissions{store: o.Store},
		UserGrants:  UserGrants{store: o.Store},
	}
}

// Health is the call that asks whether the server can serve.
type Health struct{ ready func(context.Context) error }

// Healthz answers when the server can serve.
func (h Health) Healthz(ctx context.Context, _ *authv1.HealthzRequest) (*authv1.HealthzResponse, error) {
	return &authv1.HealthzResponse{}, h.ready(ctx)
}
