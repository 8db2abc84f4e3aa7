package server

import (
	"context"
	"net"

	"github.com/bastide-id/bastide/ent"
	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
)

// hosts finds the instance that answers on a host.
type hosts struct {
	// owners has the instance that owns a host.
	owners *store.Cache[string, string]
	// living has the instances that are there.
	living *store.Cache[struct{}, struct{}]
	// first is the instance of the first run.
	first string
	// fallback answers on hosts that nobody owns; empty for none.
	fallback string
	// loopback tells that only this machine can call, so that its own names
	// belong to the first instance.
	loopback bool
}

func (s *Server) hosts(first string) hosts {
	h := hosts{first: first, fallback: s.config.DefaultInstance, loopback: s.onLoopback()}
	itself := func(instanceID string) string { return instanceID }
	h.owners = store.NewCacheAcross(s.store, itself, func(ctx context.Context, host string) (string, bool, error) {
		id, err := s.store.InstanceOnHost(across.Instances(ctx), host)
		return id, id != "", err
	}, ent.TypeInstanceDomain, ent.TypeInstance)
	h.living = store.NewCache(s.store, func(ctx context.Context, _ struct{}) (there struct{}, exists bool, err error) {
		exists, err = instance.Exists(ctx, s.store, caller.InstanceOf(ctx).ID)
		return there, exists, err
	}, ent.TypeInstance)
	switch h.fallback {
	case "":
		h.fallback = first
	case NoDefaultInstance:
		h.fallback = ""
	}
	return h
}

// onLoopback reports whether only this machine can call.
func (s *Server) onLoopback() bool {
	address, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// loopbackNames are the names that every machine has for itself.
var loopbackNames = map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}

// resolve returns the instance that answers on the host, and whether it owns
// the host, or fault.HostUnknown.
func (h hosts) resolve(ctx context.Context, host string) (id string, own bool, err error) {
	if id, own, err = h.owners.Get(ctx, host); own || err != nil {
		return id, own, err
	}
	id, own = h.fallback, false
	if h.loopback && loopbackNames[host] {
		id, own = h.first, true
	}
	if id == "" {
		return "", false, fault.HostUnknown.With(host)
	}
	_, exists, err := h.living.Get(caller.InInstance(ctx, id), struct{}{})
	if err == nil && !exists { // it was removed
		err = fault.HostUnknown.With(host)
	}
	return id, own, err
}

// permissionDirectory answers what permissions are decided on.
func (s *Server) permissionDirectory() permission.Directory {
	return permission.Directory{
		InstanceExists: func(ctx context.Context, id string) (bool, error) {
			return instance.Exists(caller.InInstance(ctx, id), s.store, id)
		},
		OrganizationExists: func(ctx context.Context, id string) (bool, error) {
			return organization.Exists(ctx, s.store, id)
		},
		OwnerOf: func(ctx context.Context, kind bastidev1.Kind, id string) (string, error) {
			switch kind {
			case bastidev1.Kind_KIND_USER:
				return user.OwnerOf(ctx, s.store, id)
			case bastidev1.Kind_KIND_PROJECT:
				return project.OwnerOf(ctx, s.store, id)
			default:
				return "", fault.ObjectUnknown.With()
			}
		},
	}
}
