package management_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// newKeyApp adds an API that authenticates with keys, and returns its id.
func newKeyApp(t *testing.T, c *servertest.Caller, project, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{
		ProjectId: project, Name: name, AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
	}))(t).GetAppId()
}

func keyOf(project, app string) *managementv1.AddAppKeyRequest {
	return &managementv1.AddAppKeyRequest{ProjectId: project, AppId: app, Type: authnv1.KeyType_KEY_TYPE_JSON}
}

func TestAppKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := newProject(t, i.Owner, "Shop")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			app := newKeyApp(t, c, id, c.Name("Backend"))
			before := getApp(t, c, id, app)
			changes := before.GetDetails().GetSequence()
			expires := s.Clock.Now().Add(5 * time.Minute).UTC().Truncate(time.Second)
			request := keyOf(id, app)
			request.ExpirationDate = timestamppb.New(expires)
			added := servertest.OK(c.Management.AddAppKey(t.Context(), request))(t)
			s.Equal(t, added, &managementv1.AddAppKeyResponse{Id: added.GetId(), KeyDetails: added.GetKeyDetails(), Details: details(changes+1, i.OrganizationID)})
			checkAppKeyFile(t, added.GetKeyDetails(), added.GetId(), app, before.GetApiConfig().GetClientId(), expires)

			get := &managementv1.GetAppKeyRequest{ProjectId: id, AppId: app, KeyId: added.GetId()}
			key := servertest.OK(c.Management.GetAppKey(t.Context(), get))(t).GetKey()
			if !key.GetExpirationDate().AsTime().Equal(expires) {
				t.Errorf("the key expires at %s", key.GetExpirationDate().AsTime())
			}
			key.ExpirationDate = nil // it is to come, and every other time is past
			s.Equal(t, key, &authnv1.Key{Id: added.GetId(), Details: details(changes+1, i.OrganizationID), Type: authnv1.KeyType_KEY_TYPE_JSON})
			forever := servertest.OK(c.Management.AddAppKey(t.Context(), keyOf(id, app)))(t)
			checkAppKeyFile(t, forever.GetKeyDetails(), forever.GetId(), app, before.GetApiConfig().GetClientId(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
			list := servertest.OK(c.Management.ListAppKeys(t.Context(), &managementv1.ListAppKeysRequest{ProjectId: id, AppId: app, Query: &zitadelv1.ListQuery{Limit: 1}}))(t)
			s.Equal(t, list, &managementv1.ListAppKeysResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 2},
				Result:  []*authnv1.Key{{Id: forever.GetId(), Details: details(changes+2, i.OrganizationID), Type: authnv1.KeyType_KEY_TYPE_JSON}},
			})

			remove := &managementv1.RemoveAppKeyRequest{ProjectId: id, AppId: app, KeyId: added.GetId()}
			removed := servertest.OK(c.Management.RemoveAppKey(t.Context(), remove))(t)
			s.Equal(t, removed, &managementv1.RemoveAppKeyResponse{Details: details(changes+3, i.OrganizationID)})
			_, err := c.Management.RemoveAppKey(t.Context(), remove)
			servertest.Refused(t, err, connect.CodeNotFound, "application.key_unknown")
			_, err = c.Management.GetAppKey(t.Context(), get)
			servertest.Refused(t, err, connect.CodeNotFound, "application.key_unknown")
			servertest.OK(c.Management.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: id, AppId: app}))(t) // with the other key
			_, err = c.Management.ListAppKeys(t.Context(), &managementv1.ListAppKeysRequest{ProjectId: id, AppId: app})
			servertest.Refused(t, err, connect.CodeNotFound, "application.unknown")
		})
	})
}

// checkAppKeyFile checks a key file.
func checkAppKeyFile(t *testing.T, text []byte, key, app, client string, expires time.Time) {
	t.Helper()
	var file struct {
		Type, KeyID, Key, AppID, ClientID, UserID string
		ExpirationDate                            time.Time
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Fatalf("the key is in a block %v", block)
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		t.Error(err)
	}
	if file.Type != "application" || file.KeyID != key || file.AppID != app || file.ClientID != client || file.UserID != "" || !file.ExpirationDate.Equal(expires) {
		t.Errorf("the file is of type %q, of key %s of application %s, client %s, until %s", file.Type, file.KeyID, file.AppID, file.ClientID, file.ExpirationDate)
	}
}

func TestAppKeyRefusals(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, id, other := i.Owner.Management, newProject(t, i.Owner, "Shop"), newProject(t, i.Owner, "Other")
		app, next := newKeyApp(t, i.Owner, id, "Backend"), newKeyApp(t, i.Owner, id, "Next")
		key := servertest.OK(c.AddAppKey(t.Context(), keyOf(id, app)))(t).GetId()
		past, untyped := keyOf(id, app), keyOf(id, app)
		past.ExpirationDate, untyped.Type = timestamppb.New(s.Clock.Now().Add(-time.Second)), 0
		for name, refused := range map[string]struct {
			err  error
			code connect.Code
			id   string
		}{
			"past":                   {second(c.AddAppKey(t.Context(), past)), connect.CodeInvalidArgument, "request.invalid"},
			"no type":                {second(c.AddAppKey(t.Context(), untyped)), connect.CodeInvalidArgument, "request.invalid"},
			"of another project":     {second(c.AddAppKey(t.Context(), keyOf(other, app))), connect.CodeNotFound, "application.unknown"},
			"API with a secret":      {second(c.AddAppKey(t.Context(), keyOf(id, newAPIApp(t, i.Owner, id, "API")))), connect.CodeFailedPrecondition, "application.no_keys"},
			"client with a secret":   {second(c.AddAppKey(t.Context(), keyOf(id, newOIDCApp(t, i.Owner, id, "OIDC")))), connect.CodeFailedPrecondition, "application.no_keys"},
			"get of another app":     {second(c.GetAppKey(t.Context(), &managementv1.GetAppKeyRequest{ProjectId: id, AppId: next, KeyId: key})), connect.CodeNotFound, "application.key_unknown"},
			"remove of another app":  {second(c.RemoveAppKey(t.Context(), &managementv1.RemoveAppKeyRequest{ProjectId: id, AppId: next, KeyId: key})), connect.CodeNotFound, "application.key_unknown"},
			"list by another's path": {second(c.ListAppKeys(t.Context(), &managementv1.ListAppKeysRequest{ProjectId: other, AppId: app})), connect.CodeNotFound, "application.unknown"},
		} {
			t.Run(name, func(t *testing.T) { servertest.Refused(t, refused.err, refused.code, refused.id) })
		}
		client := servertest.OK(c.AddOIDCApp(t.Context(), &managementv1.AddOIDCAppRequest{
			ProjectId: id, Name: "Client", AuthMethodType: appv1.OIDCAuthMethodType_OIDC_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
		}))(t)
		if client.GetClientSecret() != "" {
			t.Error("a client with keys has a secret")
		}
		servertest.OK(c.AddAppKey(t.Context(), keyOf(id, client.GetAppId())))(t)
	})
}
