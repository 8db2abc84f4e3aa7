package system_test

import (
	"net/http"
	"testing"

	"connectrpc.com/connect"

	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestListIAMMembers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.System.ListIAMMembers(t.Context(), &systemv1.ListIAMMembersRequest{InstanceId: i.ID}))(t)
			s.Equal(t, got, &systemv1.ListIAMMembersResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1},
				Result: []*memberv1.Member{{
					UserId: i.OwnerID, Details: details(7, i.ID), Roles: []string{"IAM_OWNER"},
					PreferredLoginName: "owner", DisplayName: "Owner",
					UserType: userv1.Type_TYPE_MACHINE, UserResourceOwner: i.OrganizationID,
				}},
			})
			_, err := c.System.ListIAMMembers(t.Context(), &systemv1.ListIAMMembersRequest{InstanceId: "123456789012345678"})
			servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")
		})
	})
}

// Over REST the path says which instance is meant, whatever the body says.
func TestPathNamesTheInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a, b := s.NewInstance(t, "a"), s.NewInstance(t, "b")
		for _, field := range []string{"instanceId", "instance_id"} {
			status, answer := s.AsSystem(t).REST(t, http.MethodPost, "/system/v1/instances/"+a.ID+"/members/_search", `{"`+field+`":"`+b.ID+`"}`)
			result, _ := answer["result"].([]any)
			if status != http.StatusOK || len(result) != 1 || result[0].(map[string]any)["userId"] != a.OwnerID {
				t.Errorf("%s: %d %v", field, status, answer)
			}
		}
	})
}
