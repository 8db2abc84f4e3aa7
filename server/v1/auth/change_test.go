package auth_test

import (
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	changev1 "github.com/bastide-id/bastide/gen/zitadel/change/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestListMyUserChanges(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot := i.NewToken(t, i.NewMachine(t, "robot"))
		robot.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Auth.ListMyUserChanges(t.Context(), &authv1.ListMyUserChangesRequest{Query: &changev1.ChangeQuery{Sequence: 2}}))(t)
			s.Equal(t, got, &authv1.ListMyUserChangesResponse{Result: []*changev1.Change{{
				EventType: &zitadelv1.LocalizedMessage{Key: "user.machine.added", LocalizedMessage: "Machine user added"}, Sequence: 1,
				EditorId: i.OwnerID, EditorDisplayName: "Owner", EditorPreferredLoginName: "owner", ResourceOwnerId: i.OrganizationID,
			}}})
			_, err := c.Auth.ListMyUserChanges(t.Context(), &authv1.ListMyUserChangesRequest{Query: &changev1.ChangeQuery{Limit: 1001}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
		_, err := s.AsSystem(t).On(i.Domain).Auth.ListMyUserChanges(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeNotFound, "user.unknown")
	})
}
