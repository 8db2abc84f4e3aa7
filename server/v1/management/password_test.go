package management_test

import (
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestSetHumanPassword(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := i.NewHuman(t, c.Name("ada"))
			required := func() bool {
				return counted(t, s, `SELECT count(*) FROM passwords JOIN users ON users.id = user_pk WHERE user_id = '`+id+`' AND change_required`) == 1
			}
			set := &managementv1.SetHumanPasswordRequest{UserId: id, Password: "Second-Password2", NoChangeRequired: true}
			got := servertest.OK(c.Management.SetHumanPassword(t.Context(), set))(t)
			s.Equal(t, got, &managementv1.SetHumanPasswordResponse{Details: details(3, i.OrganizationID)})
			if required() {
				t.Error("the password has to be changed")
			}
			set.NoChangeRequired = false
			servertest.OK(c.Management.SetHumanPassword(t.Context(), set))(t)
			if !required() {
				t.Error("the password need not be changed")
			}
			initial := servertest.OK(c.Management.SetHumanInitialPassword(t.Context(),
				&managementv1.SetHumanInitialPasswordRequest{UserId: id, Password: "Third-Password3"}))(t)
			s.Equal(t, initial, &managementv1.SetHumanInitialPasswordResponse{Details: details(5, i.OrganizationID)})
			if !required() {
				t.Error("an initial password need not be changed")
			}
			me := i.As(t, id)
			_, err := me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: servertest.HumanPassword, NewPassword: "Fourth-Password4"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.wrong")
			servertest.OK(me.Auth.UpdateMyPassword(t.Context(), &authv1.UpdateMyPasswordRequest{OldPassword: "Third-Password3", NewPassword: "Fourth-Password4"}))(t)
			if required() {
				t.Error("a password of the person's own choice has to be changed")
			}
			set.Password = "too-easy"
			_, err = c.Management.SetHumanPassword(t.Context(), set)
			servertest.Refused(t, err, connect.CodeInvalidArgument, "password.policy")
		})
	})
}

// Who sets the password of a user can act as that user.
func TestPasswordsOfTheMorePowerful(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		manager, owner, ada := i.NewMachine(t, "manager"), i.NewHuman(t, "owner-ada"), i.NewHuman(t, "ada")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: manager, Roles: []string{"IAM_USER_MANAGER"}}))(t)
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: owner, Roles: []string{"IAM_OWNER"}}))(t)
		c := i.NewToken(t, manager)
		for _, set := range []func(id string) error{
			func(id string) error {
				_, err := c.Management.SetHumanPassword(t.Context(), &managementv1.SetHumanPasswordRequest{UserId: id, Password: "Second-Password2"})
				return err
			},
			func(id string) error {
				_, err := c.Management.SetHumanInitialPassword(t.Context(), &managementv1.SetHumanInitialPasswordRequest{UserId: id, Password: "Second-Password2"})
				return err
			},
		} {
			servertest.Refused(t, set(owner), connect.CodePermissionDenied, "member.role_denied")
			if err := set(ada); err != nil {
				t.Errorf("for a user without such roles: %v", err)
			}
		}
	})
}
