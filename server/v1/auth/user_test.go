package auth_test

import (
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestHealthz(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, token := range []string{"", "not-a-token"} {
			s.As(token).On("unknown.test").EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.Auth.Healthz(t.Context(), &authv1.HealthzRequest{}))(t)
				s.Equal(t, got, &authv1.HealthzResponse{})
			})
		}
	})
}

func TestGetMyUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := servertest.OK(i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{
			UserName: "Robot", Name: "A robot", Description: "Does things",
		}))(t).GetUserId()
		i.NewToken(t, id).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t)
			s.Equal(t, got, &authv1.GetMyUserResponse{User: &userv1.User{
				Id: id, Details: &zitadelv1.ObjectDetails{Sequence: 2, ResourceOwner: i.OrganizationID},
				State: userv1.UserState_USER_STATE_ACTIVE, UserName: "Robot", LoginNames: []string{"Robot"}, PreferredLoginName: "Robot",
				Type: &userv1.User_Machine{Machine: &userv1.Machine{Name: "A robot", Description: "Does things"}},
			}})
		})
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
		})
	})
}

// Where the policy says so, the login name ends with the domain of the
// organization.
func TestLoginNamesWithDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.Exec(t, `INSERT INTO policies (instance_id, owner_id, kind, settings, sequence, created_at, changed_at)
			VALUES ('`+i.ID+`', '`+i.ID+`', 'domain', '{"userLoginMustBeDomain":true}', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`)
		got := servertest.OK(i.NewToken(t, i.NewMachine(t, "robot")).Auth.GetMyUser(t.Context(), nil))(t).GetUser()
		if names := got.GetLoginNames(); len(names) != 1 || names[0] != "robot@acme.acme.test" || got.GetPreferredLoginName() != names[0] || got.GetUserName() != "robot" {
			t.Errorf("the user %q has the login names %q, preferred %q", got.GetUserName(), names, got.GetPreferredLoginName())
		}
		// The owner was there before, and keeps its name.
		if owner := servertest.OK(i.Owner.Auth.GetMyUser(t.Context(), nil))(t).GetUser(); owner.GetPreferredLoginName() != "owner" {
			t.Errorf("the owner has the login name %q", owner.GetPreferredLoginName())
		}
	})
}
