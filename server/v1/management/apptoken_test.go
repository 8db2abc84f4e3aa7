package management_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv2 "github.com/bastide-id/bastide/gen/zitadel/org/v2"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	userv2 "github.com/bastide-id/bastide/gen/zitadel/user/v2"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// clientToken asks for a token of an instance's client for itself, and returns
// the status and the code of the error.
func clientToken(t *testing.T, s *servertest.Server, domain string, form url.Values) (int, string) {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	answer, err := s.HTTP().PostForm(issuerOf(t, s, domain)+"/oauth/v2/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct{ Error string }
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body.Error
}

func issuerOf(t *testing.T, s *servertest.Server, domain string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + net.JoinHostPort(domain, port)
}

// tokensOf counts the tokens that applications have got.
func tokensOf(t *testing.T, s *servertest.Server) (count int) {
	t.Helper()
	db := s.Open(t)
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) FROM access_tokens WHERE application_pk IS NOT NULL`).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// What takes a credential of an application back ends the tokens that it got
// with it, those and no others, and lets it get no more.
func TestAppTokensEnd(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c := i.Owner.Management
		type app struct {
			project, id, client, secret string
			with                        url.Values
		}
		bySecret := func(t *testing.T, project string) app {
			made := servertest.OK(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: project, Name: "App"}))(t)
			a := app{project: project, id: made.GetAppId(), client: made.GetClientId(), secret: made.GetClientSecret()}
			a.with = url.Values{"client_id": {a.client}, "client_secret": {a.secret}}
			return a
		}
		configure := func(method appv1.APIAuthMethodType) func(*testing.T, app) error {
			return func(t *testing.T, a app) error {
				_, err := c.UpdateAPIAppConfig(t.Context(), &managementv1.UpdateAPIAppConfigRequest{ProjectId: a.project, AppId: a.id, AuthMethodType: method})
				return err
			}
		}
		stays := bySecret(t, newProject(t, i.Owner, "Stays"))
		if status, _ := clientToken(t, s, i.Domain, stays.with); status != http.StatusOK {
			t.Fatal(status)
		}
		for name, take := range map[string]func(*testing.T, app) error{
			"secret replaced": func(t *testing.T, a app) error {
				_, err := c.RegenerateAPIClientSecret(t.Context(), &managementv1.RegenerateAPIClientSecretRequest{ProjectId: a.project, AppId: a.id})
				return err
			},
			"method changed": configure(appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT),
			"application removed": func(t *testing.T, a app) error {
				_, err := c.RemoveApp(t.Context(), &managementv1.RemoveAppRequest{ProjectId: a.project, AppId: a.id})
				return err
			},
			"project removed": func(t *testing.T, a app) error {
				_, err := c.RemoveProject(t.Context(), &managementv1.RemoveProjectRequest{Id: a.project})
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				a := bySecret(t, newProject(t, i.Owner, name))
				for range 2 {
					if status, code := clientToken(t, s, i.Domain, a.with); status != http.StatusOK {
						t.Fatalf("before: %d %s", status, code)
					}
				}
				if count := tokensOf(t, s); count != 3 {
					t.Fatalf("there are %d tokens", count)
				}
				if err := take(t, a); err != nil {
					t.Fatal(err)
				}
				if status, code := clientToken(t, s, i.Domain, a.with); status != http.StatusUnauthorized || code != "invalid_client" {
					t.Errorf("after: %d %s", status, code)
				}
				if count := tokensOf(t, s); count != 1 {
					t.Errorf("there are %d tokens", count)
				}
			})
		}
		t.Run("renamed", func(t *testing.T) { // nothing is taken back
			servertest.OK(c.UpdateApp(t.Context(), &managementv1.UpdateAppRequest{ProjectId: stays.project, AppId: stays.id, Name: "Other"}))(t)
			if count := tokensOf(t, s); count != 1 {
				t.Errorf("there are %d tokens", count)
			}
		})
	})
}

// A key that is removed ends the tokens that were got with it, and not those of
// another key.
func TestAppKeyTokensEnd(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, project := i.Owner.Management, newProject(t, i.Owner, "Shop")
		made := servertest.OK(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{
			ProjectId: project, Name: "App", AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
		}))(t)
		ask := func(key *managementv1.AddAppKeyResponse) int {
			var file struct{ Key string }
			if err := json.Unmarshal(key.GetKeyDetails(), &file); err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode([]byte(file.Key))
			private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			status, _ := clientToken(t, s, i.Domain, url.Values{
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion": {tokentest.Sign(t, jose.RS256, private, key.GetId(),
					tokentest.SelfSigned(made.GetClientId(), issuerOf(t, s, i.Domain), time.Now()))},
			})
			return status
		}
		add := func() *managementv1.AddAppKeyResponse {
			return servertest.OK(c.AddAppKey(t.Context(), &managementv1.AddAppKeyRequest{ProjectId: project, AppId: made.GetAppId(), Type: authnv1.KeyType_KEY_TYPE_JSON}))(t)
		}
		first, second := add(), add()
		if ask(first) != http.StatusOK || ask(second) != http.StatusOK || tokensOf(t, s) != 2 {
			t.Fatalf("there are %d tokens", tokensOf(t, s))
		}
		servertest.OK(c.RemoveAppKey(t.Context(), &managementv1.RemoveAppKeyRequest{ProjectId: project, AppId: made.GetAppId(), KeyId: first.GetId()}))(t)
		if status := ask(first); status != http.StatusUnauthorized {
			t.Errorf("with the key that is gone: %d", status)
		}
		if count := tokensOf(t, s); count != 1 {
			t.Errorf("there are %d tokens", count)
		}
		if status := ask(second); status != http.StatusOK {
			t.Errorf("with the other key: %d", status)
		}
	})
}

// Deactivating by the API ends what an application has and gets, at once, and so
// does removing the instance.
func TestAppDeactivated(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, project := i.Owner.Management, newProject(t, i.Owner, "Shop")
		made := servertest.OK(c.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: project, Name: "App"}))(t)
		with := url.Values{"client_id": {made.GetClientId()}, "client_secret": {made.GetClientSecret()}}
		is := func(name string, want int) {
			t.Helper()
			if status, code := clientToken(t, s, i.Domain, with); status != want {
				t.Errorf("%s: %d %s", name, status, code)
			}
		}
		is("active", http.StatusOK)
		servertest.OK(c.DeactivateApp(t.Context(), &managementv1.DeactivateAppRequest{ProjectId: project, AppId: made.GetAppId()}))(t)
		is("application deactivated", http.StatusUnauthorized)
		servertest.OK(c.ReactivateApp(t.Context(), &managementv1.ReactivateAppRequest{ProjectId: project, AppId: made.GetAppId()}))(t)
		is("application reactivated", http.StatusOK)
		servertest.OK(c.DeactivateProject(t.Context(), &managementv1.DeactivateProjectRequest{Id: project}))(t)
		is("project deactivated", http.StatusUnauthorized)
		servertest.OK(c.ReactivateProject(t.Context(), &managementv1.ReactivateProjectRequest{Id: project}))(t)
		is("project reactivated", http.StatusOK)
		servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID}))(t)
		is("instance removed", http.StatusUnauthorized) // on its host the default instance answers
		s.Erased(t)
		if count := tokensOf(t, s); count != 0 {
			t.Errorf("there are %d tokens", count)
		}
	})
}

// Nobody can be given the client id of an application as a user id: tokens of
// both would have the same subject (RFC 9700, 4.15).
func TestUserIDIsNoClientID(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		made := servertest.OK(i.Owner.Management.AddAPIApp(t.Context(), &managementv1.AddAPIAppRequest{ProjectId: newProject(t, i.Owner, "Shop"), Name: "App"}))(t)
		client := made.GetClientId()
		add := func(to servertest.Tenant, id string) error {
			_, err := to.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot", Name: "x", UserId: &id})
			return err
		}
		servertest.Refused(t, add(i, client), connect.CodeAlreadyExists, "user.id_taken")
		_, err := i.Owner.Organization.AddOrganization(t.Context(), &orgv2.AddOrganizationRequest{
			Name: "Second",
			Admins: []*orgv2.AddOrganizationRequest_Admin{{UserType: &orgv2.AddOrganizationRequest_Admin_Human{Human: &userv2.AddHumanUserRequest{
				UserId:  &client,
				Profile: &userv2.SetHumanProfile{GivenName: "Ada", FamilyName: "Person"},
				Email:   &userv2.SetHumanEmail{Email: "ada@example.com", Verification: &userv2.SetHumanEmail_IsVerified{IsVerified: true}},
			}}}},
		})
		servertest.Refused(t, err, connect.CodeAlreadyExists, "user.id_taken")
		if err := add(other, client); err != nil { // ids are those of an instance only
			t.Error(err)
		}
		if err := add(i, client+"1"); err != nil {
			t.Error(err)
		}
	})
}
