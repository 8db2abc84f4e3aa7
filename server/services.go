package server

import (
	"net/http"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/org/v2/orgv2connect"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/webkey/v2/webkeyv2connect"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/organization"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/outbound"
	"github.com/bastide-id/bastide/server/reference"
	"github.com/bastide-id/bastide/server/v1/admin"
	"github.com/bastide-id/bastide/server/v1/auth"
	"github.com/bastide-id/bastide/server/v1/management"
	"github.com/bastide-id/bastide/server/v1/system"
	"github.com/bastide-id/bastide/server/v2/org"
	"github.com/bastide-id/bastide/server/v2/webkey"
	"github.com/bastide-id/bastide/server/wire"
)

// documents are the description of the API and the page that shows it, unless
// they are turned off.
func (s *Server) documents() map[string]http.Handler {
	if s.config.NoDocs {
		return nil
	}
	return reference.Handlers()
}

// services are those of the API.
func (s *Server) services(users *user.Users, instances *instance.Instances, organizations *organization.Organizations, options []connect.HandlerOption) []wire.Service {
	ready, version, world := s.store.Ping, s.config.Version, outbound.New(s.config.Resolver, s.config.HTTPClient)
	service := func(path string, handler http.Handler) wire.Service {
		return wire.Service{Path: path, Handler: handler}
	}
	return []wire.Service{
		service(systemv1connect.NewSystemServiceHandler(system.New(s.store, instances, version, ready), options...)),
		service(adminv1connect.NewAdminServiceHandler(admin.New(admin.Options{Store: s.store, Users: users, Organizations: organizations, Version: version, Ready: ready}), options...)),
		service(managementv1connect.NewManagementServiceHandler(management.New(management.Options{Store: s.store, Users: users, Organizations: organizations, Tokens: s.tokens, World: world, Ready: ready}), options...)),
		service(authv1connect.NewAuthServiceHandler(auth.New(auth.Options{Store: s.store, Users: users, Ready: ready}), options...)),
		service(orgv2connect.NewOrganizationServiceHandler(org.New(org.Options{Users: users, Organizations: organizations}), options...)),
		service(webkeyv2connect.NewWebKeyServiceHandler(webkey.New(s.tokens), options...)),
	}
}
