package management_test

import (
	"fmt"
	"slices"
	"testing"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// Pages follow each other in every order, also in those by what many users have
// in common.
func TestPagesOfUsers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for k := range 4 {
			person, robot := i.NewHuman(t, fmt.Sprint("person-", k)), i.NewMachine(t, fmt.Sprint("robot-", 9-k))
			if k%2 == 0 {
				servertest.OK(i.Owner.Management.LockUser(t.Context(), &managementv1.LockUserRequest{Id: person}))(t)
				servertest.OK(i.Owner.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: robot}))(t)
			}
		}
		for column := range userv1.UserFieldName(len(userv1.UserFieldName_name)) {
			for _, ascending := range []bool{true, false} {
				list := func(c *servertest.Caller, limit uint32) (ids []string) {
					answer := servertest.OK(c.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{
						Query: &zitadelv1.ListQuery{Limit: limit, Asc: ascending}, SortingColumn: column,
					}))(t)
					for _, u := range answer.GetResult() {
						ids = append(ids, u.GetId())
					}
					return ids
				}
				want := list(i.Owner, 0)
				var got []string
				i.Owner.EachPage(t, func(c *servertest.Caller) { got = append(got, list(c, 2)...) })
				if !slices.Equal(got, want) || len(want) != 9 {
					t.Errorf("%s, ascending %t: got %v, want %v", column, ascending, got, want)
				}
			}
		}
	})
}
