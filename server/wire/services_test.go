package wire_test

import (
	"context"
	"net/http"
	"strings"
	"sync"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/wire"
)

// services implement what the tests call; the rest answers Unimplemented.
type services struct {
	authv1connect.UnimplementedAuthServiceHandler
	mu            sync.Mutex
	audiences     []string
	authenticated []string
	instance      caller.Instance
	organization  string
	machine       *managementv1.AddMachineUserRequest
	update        *adminv1.UpdateIAMMemberRequest
	removed       string
	publicOrigin  string
	getMyUser     func(context.Context) (*authv1.GetMyUserResponse, error)
	public        http.HandlerFunc
}

func (s *services) mounted(w *wire.Wire) []wire.Service {
	var all []wire.Service
	add := func(path string, h http.Handler) { all = append(all, wire.Service{Path: path, Handler: h}) }
	options := w.HandlerOptions()
	add(authv1connect.NewAuthServiceHandler(s, options...))
	add(managementv1connect.NewManagementServiceHandler(&management{services: s}, options...))
	add(adminv1connect.NewAdminServiceHandler(&admin{services: s}, options...))
	add(systemv1connect.NewSystemServiceHandler(&system{services: s}, options...))
	return all
}

func (s *services) Healthz(context.Context, *authv1.HealthzRequest) (*authv1.HealthzResponse, error) {
	return &authv1.HealthzResponse{}, nil
}

func (s *services) GetMyUser(ctx context.Context, _ *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	s.mu.Lock()
	s.instance = caller.InstanceOf(ctx)
	behave := s.getMyUser
	s.mu.Unlock()
	if behave != nil {
		return behave(ctx)
	}
	return &authv1.GetMyUserResponse{User: &userv1.User{Id: caller.From(ctx).ID}}, nil
}

// behaves makes GetMyUser do something else.
func (s *services) behaves(f func(context.Context) (*authv1.GetMyUserResponse, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.getMyUser = f
}

func (s *services) servePublic(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/panic") {
		panic("public handler")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publicOrigin = caller.InstanceOf(r.Context()).Origin
	if s.public != nil {
		s.public(w, r)
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

type management struct {
	managementv1connect.UnimplementedManagementServiceHandler
	*services
}

func (m *management) Healthz(context.Context, *managementv1.HealthzRequest) (*managementv1.HealthzResponse, error) {
	return &managementv1.HealthzResponse{}, nil
}

func (m *management) GetMyOrg(ctx context.Context, _ *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	return &managementv1.GetMyOrgResponse{Org: &orgv1.Org{Id: caller.OrganizationID(ctx)}}, nil
}

func (m *management) AddMachineUser(ctx context.Context, r *managementv1.AddMachineUserRequest) (*managementv1.AddMachineUserResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.machine, m.organization = r, caller.OrganizationID(ctx)
	return &managementv1.AddMachineUserResponse{UserId: "u9"}, nil
}

type admin struct {
	adminv1connect.UnimplementedAdminServiceHandler
	*services
}

func (a *admin) Healthz(context.Context, *adminv1.HealthzRequest) (*adminv1.HealthzResponse, error) {
	return &adminv1.HealthzResponse{}, nil
}

func (a *admin) ListInstanceDomains(_ context.Context, r *adminv1.ListInstanceDomainsRequest) (*adminv1.ListInstanceDomainsResponse, error) {
	return &adminv1.ListInstanceDomainsResponse{SortingColumn: r.GetSortingColumn()}, nil
}

func (a *admin) UpdateIAMMember(_ context.Context, r *adminv1.UpdateIAMMemberRequest) (*adminv1.UpdateIAMMemberResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.update = r
	return &adminv1.UpdateIAMMemberResponse{}, nil
}

func (a *admin) RemoveIAMMember(_ context.Context, r *adminv1.RemoveIAMMemberRequest) (*adminv1.RemoveIAMMemberResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removed = r.GetUserId()
	return &adminv1.RemoveIAMMemberResponse{}, nil
}

type system struct {
	systemv1connect.UnimplementedSystemServiceHandler
	*services
}

func (s *system) Healthz(context.Context, *systemv1.HealthzRequest) (*systemv1.HealthzResponse, error) {
	return &systemv1.HealthzResponse{}, nil
}

func (s *system) GetInstance(ctx context.Context, _ *systemv1.GetInstanceRequest) (*systemv1.GetInstanceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance = caller.InstanceOf(ctx)
	return &systemv1.GetInstanceResponse{}, nil
}
