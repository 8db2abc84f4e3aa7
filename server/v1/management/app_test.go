package management_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// newAPIApp adds an API that has a secret, and returns its id.
func newAPIApp(t *testing.T, c *servertest.Caller, project, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: project, Name: name}))(t).GetAppId()
}

func getApp(t *testing.T, c *servertest.Caller, project, id string) *appv1.App {
	t.Helper()
	return servertest.OK(c.Management.GetAppByID(t.Context(), &managementv1.GetAppByIDRequest{ProjectId: project, AppId: id}))(t).GetApp()
}

func TestAddAPIApp(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id, changes := newProject(t, i.Owner, "Shop"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 2
			request := &managementv1.AddAPIAppRequest{ProjectId: id, Name: c.Name("Backend")}
			got := servertest.OK(c.Management.AddAPIApp(t.Context(), request))(t)
			if len(got.GetAppId()) != 18 || len(got.GetClientId()) != 18 || !strings.HasPrefix(got.GetClientSecret(), "bastide_app_") {
				t.Errorf("the application has the ids %q, %q and a secret of %d characters", got.GetAppId(), got.GetClientId(), len(got.GetClientSecret()))
			}
			s.Equal(t, got, &managementv1.AddAPIAppResponse{
				AppId: got.GetAppId(), ClientId: got.GetClientId(), ClientSecret: got.GetClientSecret(), Details: details(changes, i.OrganizationID),
			})
			s.Equal(t, getApp(t, c, id, got.GetAppId()), &appv1.App{
				Id: got.GetAppId(), Details: details(changes, i.OrganizationID), State: appv1.AppState_APP_STATE_ACTIVE, Name: c.Name("Backend"),
				Config: &appv1.App_ApiConfig{ApiConfig: &appv1.APIConfig{ClientId: got.GetClientId()}},
			})
			request.Name = strings.ToUpper(request.Name)
			_, err := c.Management.AddAPIApp(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "application.name_taken")
		})
	})
}

// A secret is stored as a hash, changes when it is asked to, and ends with the
// method that needs it.
func TestAPIAppSecret(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			added := servertest.OK(c.Management.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: id, Name: c.Name("Backend")}))(t)
			app, hash := added.GetAppId(), secretHash(t, s, added.GetAppId())
			renew := &managementv1.RegenerateAPIClientSecretRequest{ProjectId: id, AppId: app}
			renewed := servertest.OK(c.Management.RegenerateAPIClientSecret(t.Context(), renew))(t)
			s.Equal(t, renewed, &managementv1.RegenerateAPIClientSecretResponse{
				ClientSecret: renewed.GetClientSecret(), Details: details(added.GetDetails().GetSequence()+1, i.OrganizationID),
			})
			if len(hash) != 32 || secretHash(t, s, app) == hash || renewed.GetClientSecret() == "" || renewed.GetClientSecret() == added.GetClientSecret() {
				t.Error("the secret has not changed")
			}
			configure := &managementv1.UpdateAPIAppConfigRequest{ProjectId: id, AppId: app, AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT}
			configured := servertest.OK(c.Management.UpdateAPIAppConfig(t.Context(), configure))(t)
			s.Equal(t, configured, &managementv1.UpdateAPIAppConfigResponse{Details: details(added.GetDetails().GetSequence()+2, i.OrganizationID)})
			if method := getApp(t, c, id, app).GetApiConfig().GetAuthMethodType(); method != configure.GetAuthMethodType() || secretHash(t, s, app) != "" {
				t.Errorf("the method is %s", method)
			}
			_, err := c.Management.UpdateAPIAppConfig(t.Context(), configure)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = c.Management.RegenerateAPIClientSecret(t.Context(), renew)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "application.no_secret")
		})
		none := servertest.OK(i.Owner.Management.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{
			ProjectId: id, Name: "Keys", AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
		}))(t)
		if none.GetClientSecret() != "" || secretHash(t, s, none.GetAppId()) != "" {
			t.Error("an application with keys has a secret")
		}
	})
}

// secretHash returns what is stored of the secret of an application.
func secretHash(t *testing.T, s *servertest.Server, app string) string {
	t.Helper()
	db := s.Open(t)
	defer db.Close()
	var hash []byte
	if err := db.QueryRow(`SELECT secret_hash FROM applications WHERE application_id = '` + app + `'`).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func TestUpdateApp(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		newAPIApp(t, i.Owner, id, "Taken")
		changes := uint64(3)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			app := newAPIApp(t, c, id, c.Name("Backend"))
			rename := &managementv1.UpdateAppRequest{ProjectId: id, AppId: app, Name: c.Name("Frontend")}
			s.Equal(t, servertest.OK(c.Management.UpdateApp(t.Context(), rename))(t), &managementv1.UpdateAppResponse{Details: details(changes+3, i.OrganizationID)})
			_, err := c.Management.UpdateApp(t.Context(), rename)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			rename.Name = "TAKEN"
			_, err = c.Management.UpdateApp(t.Context(), rename)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "application.name_taken")

			_, err = c.Management.ReactivateApp(t.Context(), &managementv1.ReactivateAppRequest{ProjectId: id, AppId: app})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "application.not_inactive")
			down := servertest.OK(c.Management.DeactivateApp(t.Context(), &managementv1.DeactivateAppRequest{ProjectId: id, AppId: app}))(t)
			s.Equal(t, down, &managementv1.DeactivateAppResponse{Details: details(changes+4, i.OrganizationID)})
			if got := getApp(t, c, id, app); got.GetState() != appv1.AppState_APP_STATE_INACTIVE || got.GetName() != c.Name("Frontend") {
				t.Errorf("the application is %v", got)
			}
			_, err = c.Management.DeactivateApp(t.Context(), &managementv1.DeactivateAppRequest{ProjectId: id, AppId: app})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "application.not_active")
			up := servertest.OK(c.Management.ReactivateApp(t.Context(), &managementv1.ReactivateAppRequest{ProjectId: id, AppId: app}))(t)
			s.Equal(t, up, &managementv1.ReactivateAppResponse{Details: details(changes+5, i.OrganizationID)})

			gone := servertest.OK(c.Management.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: id, AppId: app}))(t)
			s.Equal(t, gone, &managementv1.RemoveAppResponse{Details: details(changes+6, i.OrganizationID)})
			changes += 6
			_, err = c.Management.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: id, AppId: app})
			servertest.Refused(t, err, connect.CodeNotFound, "application.unknown")
			_, err = c.Management.GetAppByID(t.Context(), &managementv1.GetAppByIDRequest{ProjectId: id, AppId: app})
			servertest.Refused(t, err, connect.CodeNotFound, "application.unknown")
		})
	})
}

func TestListApps(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id, other := newProject(t, i.Owner, "Shop"), newProject(t, i.Owner, "Other")
		first, last := newAPIApp(t, i.Owner, id, "First"), newOIDCApp(t, i.Owner, id, "Last")
		newAPIApp(t, i.Owner, other, "First")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ListApps(t.Context(), &managementv1.ListAppsRequest{ProjectId: id}))(t)
			s.Equal(t, got, &managementv1.ListAppsResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*appv1.App{getApp(t, c, id, last), getApp(t, c, id, first)},
			})
			page := servertest.OK(c.Management.ListApps(t.Context(), &managementv1.ListAppsRequest{ProjectId: id, Query: &zitadelv1.ListQuery{Asc: true, Offset: 1, Limit: 1}}))(t)
			s.Equal(t, page, &managementv1.ListAppsResponse{Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: []*appv1.App{getApp(t, c, id, last)}})
			_, err := c.Management.ListApps(t.Context(), &managementv1.ListAppsRequest{ProjectId: "unknown"})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
	})
}

// An application is found in its own project only, and is of its own kind.
func TestAppRefusals(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, id, other := i.Owner.Management, newProject(t, i.Owner, "Shop"), newProject(t, i.Owner, "Other")
		api, oidc := newAPIApp(t, i.Owner, id, "API"), newOIDCApp(t, i.Owner, id, "OIDC")
		for name, refused := range map[string]struct {
			err  error
			code connect.Code
			id   string
		}{
			"get by another project":    {second(c.GetAppByID(t.Context(), &managementv1.GetAppByIDRequest{ProjectId: other, AppId: api})), connect.CodeNotFound, "application.unknown"},
			"rename by another project": {second(c.UpdateApp(t.Context(), &managementv1.UpdateAppRequest{ProjectId: other, AppId: api, Name: "x"})), connect.CodeNotFound, "application.unknown"},
			"remove by another project": {second(c.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: other, AppId: api})), connect.CodeNotFound, "application.unknown"},
			"OIDC config of an API":     {second(c.UpdateOIDCAppConfig(t.Context(), &managementv1.UpdateOIDCAppConfigRequest{ProjectId: id, AppId: api})), connect.CodeFailedPrecondition, "application.kind"},
			"API config of a client":    {second(c.UpdateAPIAppConfig(t.Context(), &managementv1.UpdateAPIAppConfigRequest{ProjectId: id, AppId: oidc})), connect.CodeFailedPrecondition, "application.kind"},
			"OIDC secret of an API":     {second(c.RegenerateOIDCClientSecret(t.Context(), &managementv1.RegenerateOIDCClientSecretRequest{ProjectId: id, AppId: api})), connect.CodeFailedPrecondition, "application.kind"},
			"API secret of a client":    {second(c.RegenerateAPIClientSecret(t.Context(), &managementv1.RegenerateAPIClientSecretRequest{ProjectId: id, AppId: oidc})), connect.CodeFailedPrecondition, "application.kind"},
			"no name":                   {second(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: id})), connect.CodeInvalidArgument, "request.invalid"},
			"unknown method":            {second(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: id, Name: "x", AuthMethodType: 7})), connect.CodeInvalidArgument, "request.invalid"},
		} {
			t.Run(name, func(t *testing.T) { servertest.Refused(t, refused.err, refused.code, refused.id) })
		}
		if got := getApp(t, i.Owner, id, api); !proto.Equal(got.GetApiConfig(), &appv1.APIConfig{ClientId: got.GetApiConfig().GetClientId()}) {
			t.Errorf("the application is %v", got)
		}
	})
}
