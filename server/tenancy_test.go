package server_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

// The ids of the errors that callers meet most.
const (
	tokenInvalid      = "auth.token_invalid"
	permissionMissing = "auth.permission_missing"
	hostUnknown       = "request.host_unknown"
)

// A token is good on the hosts of its instance, and nowhere else.
func TestTokensStayInTheirInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a, b := s.NewInstance(t, "a"), s.NewInstance(t, "b")
		key := servertest.OK(a.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{
			UserId: a.OwnerID, Type: authnv1.KeyType_KEY_TYPE_JSON,
		}))(t)
		access := s.As(s.Exchange(t, a.Domain, key.GetKeyDetails())).On(a.Domain)
		for name, c := range map[string]*servertest.Caller{"personal access token": a.Owner, "access token": access} {
			t.Run(name, func(t *testing.T) {
				c.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
					servertest.OK(c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t)
					for _, host := range []string{b.Domain, "localhost", "nobody.test"} {
						_, err := c.On(host).Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
						servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
					}
					// Not even its owner's token is one for the installation.
					_, err := c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{})
					servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
				})
			})
		}
	})
}

// A system user calls every API of every instance; its memberships decide what
// it may.
func TestSystemUsers(t *testing.T) {
	everything := servertest.NewSystemUser(t, "everything", caller.Membership{
		Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER", "IAM_OWNER", "ORG_OWNER"},
	})
	nothing := servertest.NewSystemUser(t, "nothing")
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a, b := s.NewInstance(t, "a"), s.NewInstance(t, "b")
		ofInstance := servertest.NewSystemUser(t, "of-instance", caller.Membership{
			Level: caller.InstanceLevel, ID: a.ID, Roles: []string{"IAM_OWNER", "SYSTEM_OWNER_VIEWER"},
		})
		ofOrganization := servertest.NewSystemUser(t, "of-organization", caller.Membership{
			Level: caller.OrganizationLevel, ID: a.OrganizationID, Roles: []string{"ORG_OWNER"},
		})
		s.Restart(t, ofInstance.Option, ofOrganization.Option)
		const denied = connect.CodePermissionDenied
		for _, test := range []struct {
			user servertest.SystemUser
			// The answers to: list all instances; read a and b from the system
			// API; read a and b from the admin API; read the organization of a
			// and of b.
			list, systemA, systemB, adminA, adminB, orgA, orgB connect.Code
		}{
			{everything, 0, 0, 0, 0, 0, 0, 0},
			{nothing, denied, denied, denied, denied, denied, denied, denied},
			{ofInstance, denied, 0, connect.CodeNotFound, 0, denied, 0, denied},
			{ofOrganization, denied, denied, denied, denied, denied, 0, denied},
		} {
			t.Run(test.user.Name, func(t *testing.T) {
				c := s.AsSystemUser(t, test.user)
				onA, onB := c.On(a.Domain), c.On(b.Domain)
				_, list := c.System.ListInstances(t.Context(), nil)
				_, systemA := onB.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: a.ID})
				_, systemB := c.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: b.ID})
				_, adminA := onA.Admin.GetMyInstance(t.Context(), nil)
				_, adminB := onB.Admin.GetMyInstance(t.Context(), nil)
				_, orgA := onA.In(a.OrganizationID).Management.GetMyOrg(t.Context(), nil)
				_, orgB := onB.In(b.OrganizationID).Management.GetMyOrg(t.Context(), nil)
				for _, got := range []struct {
					what string
					err  error
					want connect.Code
				}{
					{"list", list, test.list}, {"system, a", systemA, test.systemA}, {"system, b", systemB, test.systemB},
					{"admin, a", adminA, test.adminA}, {"admin, b", adminB, test.adminB}, {"org, a", orgA, test.orgA}, {"org, b", orgB, test.orgB},
				} {
					if code(got.err) != got.want {
						t.Errorf("%s: %v, want %v", got.what, got.err, got.want)
					}
				}
				_, err := onA.Auth.GetMyUser(t.Context(), nil)
				servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
			})
		}
		_, err := s.AsSystem(t).Admin.GetMyInstance(t.Context(), nil)
		servertest.Refused(t, err, denied, permissionMissing)
	}, everything.Option, nothing.Option)
}

// code returns the code of an error, 0 if there is none.
func code(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

// instanceOn returns the name of the instance that answers a system user on a
// host; empty if none does.
func instanceOn(t *testing.T, c *servertest.Caller) string {
	t.Helper()
	got, err := c.Admin.GetMyInstance(t.Context(), nil)
	if err != nil {
		servertest.Refused(t, err, connect.CodeNotFound, hostUnknown)
	}
	return got.GetInstance().GetName()
}

// The host names the instance, and only a trusted proxy may name another.
func TestHosts(t *testing.T) {
	viewer := servertest.NewSystemUser(t, "viewer", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_OWNER_VIEWER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a := s.NewInstance(t, "a")
		s.NewInstance(t, "bücher")
		check := func(name string, hosts map[string]string) {
			t.Run(name, func(t *testing.T) {
				c := s.AsSystemUser(t, viewer)
				for host, want := range hosts {
					for _, p := range []servertest.Protocol{servertest.ConnectJSON, servertest.GRPC, servertest.REST} {
						if got := instanceOn(t, c.Via(p).On(host)); got != want {
							t.Errorf("%s: %s leads to %q, not %q", p, host, got, want)
						}
					}
				}
			})
		}
		hosts := map[string]string{
			"a.test": "a", "A.Test": "a", "a.test:1": "a", "a.test:65535": "a", "a.test.": "a",
			"bücher.test": "bücher", "XN--Bcher-Kva.test": "bücher",
			"localhost": "Bastide", "LOCALHOST": "Bastide", "127.0.0.1": "Bastide", "::1": "Bastide",
			"nobody.test": "Bastide", "sub.a.test": "Bastide", "192.0.2.1": "Bastide",
		}
		check("the first instance is the default", hosts)
		for _, header := range []string{"X-Forwarded-Host", "X-Zitadel-Instance-Host"} {
			if got := instanceOn(t, s.AsSystemUser(t, viewer).With(header, "a.test")); got != "Bastide" {
				t.Errorf("a forged %s leads to %q", header, got)
			}
		}

		s.Restart(t, func(c *server.Config) { c.DefaultInstance = a.ID })
		hosts["nobody.test"], hosts["sub.a.test"], hosts["192.0.2.1"] = "a", "a", "a"
		check("another one is", hosts)

		s.Restart(t, func(c *server.Config) {
			c.DefaultInstance = server.NoDefaultInstance
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		hosts["nobody.test"], hosts["sub.a.test"], hosts["192.0.2.1"] = "", "", ""
		check("none is", hosts)
		for _, header := range []string{"X-Forwarded-Host", "X-Zitadel-Instance-Host"} {
			if got := instanceOn(t, s.AsSystemUser(t, viewer).On("nobody.test").With(header, "A.test:443")); got != "a" {
				t.Errorf("%s of a trusted proxy leads to %q", header, got)
			}
		}
	}, viewer.Option)
}

// Whoever asks on an unknown host is told which one, and what to do; the system
// API answers there all the same.
func TestUnknownHost(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		status, answer := s.As(s.OwnerToken).On("nobody.test").REST(t, http.MethodGet, "/auth/v1/users/me", "")
		message, _ := answer["message"].(string)
		if status != http.StatusNotFound || !strings.Contains(message, `"nobody.test"`) || !strings.Contains(message, "AddDomain") {
			t.Errorf("%d %q", status, message)
		}
		servertest.OK(s.AsSystem(t).On("nobody.test").System.ListInstances(t.Context(), nil))(t)
		_, err := s.As("").On("nobody.test").Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeNotFound, hostUnknown)
	}, func(c *server.Config) { c.DefaultInstance = server.NoDefaultInstance })
}
