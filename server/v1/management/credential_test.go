package management_test

import (
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// A credential of a user is all of the user's roles: who may write users but may
// not give a role makes none for a holder of that role, however it is asked for.
func TestCredentialsOfTheMorePowerful(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		manager, robot, owner := i.NewMachine(t, "manager"), i.NewMachine(t, "robot"), i.OwnerID
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: manager, Roles: []string{"IAM_USER_MANAGER"}}))(t)
		c := i.NewToken(t, manager)
		for _, make := range []func(user string) error{
			func(user string) error {
				_, err := c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: user})
				return err
			},
			func(user string) error {
				_, err := c.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: user, Type: authnv1.KeyType_KEY_TYPE_JSON})
				return err
			},
			func(user string) error {
				_, err := c.Management.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: user})
				return err
			},
		} {
			servertest.Refused(t, make(owner), connect.CodePermissionDenied, "member.role_denied")
			for _, user := range []string{robot, manager} {
				if err := make(user); err != nil {
					t.Errorf("for a user without such roles: %v", err)
				}
			}
		}
	})
}
