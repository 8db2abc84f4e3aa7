package auth_test

import (
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
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

func TestUpdateMyUserName(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(2)
		i.As(t, i.NewHuman(t, "ada")).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			request := &authv1.UpdateMyUserNameRequest{UserName: c.Name("ada")}
			got := servertest.OK(c.Auth.UpdateMyUserName(t.Context(), request))(t)
			s.Equal(t, got, &authv1.UpdateMyUserNameResponse{Details: &zitadelv1.ObjectDetails{Sequence: changes, ResourceOwner: i.OrganizationID}})
			if me := servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t).GetUser(); me.GetPreferredLoginName() != request.GetUserName() {
				t.Errorf("the name is %q", me.GetPreferredLoginName())
			}
			_, err := c.Auth.UpdateMyUserName(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = c.Auth.UpdateMyUserName(t.Context(), &authv1.UpdateMyUserNameRequest{UserName: "OWNER"})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		})
		_, err := s.AsSystem(t).On(i.Domain).Auth.UpdateMyUserName(t.Context(), &authv1.UpdateMyUserNameRequest{UserName: "x"})
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	})
}

// A user who may removes itself, whatever its roles.
func TestRemoveMyUser(t *testing.T) {
	system := servertest.NewSystemUser(t, "self", caller.Membership{Level: caller.SystemLevel, Roles: []string{"ORG_USER_SELF_MANAGER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		allow := func(id, roles string) {
			s.Exec(t, `INSERT INTO memberships (instance_id, user_pk, level, object_id, organization_pk, roles, sequence, created_at, changed_at)
				SELECT instance_id, id, 'organization', resource_owner, organization_pk, '[`+roles+`]', 1, created_at, created_at FROM users WHERE user_id = '`+id+`'`)
		}
		for _, protocol := range servertest.Protocols {
			id := i.NewHuman(t, string(protocol))
			c := i.As(t, id).Via(protocol)
			_, err := c.Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
			allow(id, `"ORG_ADMIN_IMPERSONATOR", "SELF_MANAGEMENT_GLOBAL"`)
			got := servertest.OK(c.Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{}))(t)
			s.Equal(t, got, &authv1.RemoveMyUserResponse{Details: &zitadelv1.ObjectDetails{Sequence: 3, ResourceOwner: i.OrganizationID}})
			_, err = c.Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{})
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		}
		s.Exec(t, `UPDATE memberships SET roles = '["ORG_OWNER", "SELF_MANAGEMENT_GLOBAL"]' WHERE object_id = '`+i.OrganizationID+`'`)
		_, err := i.Owner.Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, "member.last_owner")
		_, err = s.AsSystemUser(t, system).On(i.Domain).Auth.RemoveMyUser(t.Context(), &authv1.RemoveMyUserRequest{})
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	}, system.Option)
}
