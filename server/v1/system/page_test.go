package system_test

import (
	"fmt"
	"slices"
	"testing"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// Instances are read in pages while others are added and removed. Names are
// the same but for their case, which does not count in the order.
func TestPagesOfInstancesByToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := s.AsSystem(t)
		add := func(name, domain string) string {
			return servertest.OK(c.System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
				InstanceName: name, CustomDomain: domain + ".test",
				Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{UserName: "owner", Name: "Owner"}},
			}))(t).GetInstanceId()
		}
		stay := []string{s.InstanceID}
		for k, name := range []string{"zoo", "Ape", "ape", "APE", "bee", "apE", "Zoo", "ape", "aPe", "owl"} {
			stay = append(stay, add(name, fmt.Sprint("stays", k)))
		}
		guests := 0
		for column := range instancev1.FieldName(len(instancev1.FieldName_name)) {
			for _, ascending := range []bool{true, false} {
				kept := func(ids []string, _ uint64) []string {
					return slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(stay, id) })
				}
				request := &systemv1.ListInstancesRequest{Query: &zitadelv1.ListQuery{Asc: ascending}, SortingColumn: column}
				want := kept(search(t, c, request))
				request.Query.Limit = 3
				guest := ""
				var got []string
				c.EachPage(t, func(c *servertest.Caller) {
					ids, total := search(t, c, request)
					got = append(got, ids...)
					if total < uint64(len(stay)) {
						t.Errorf("%s: %d in all", column, total)
					}
					if guest == "" {
						guests++
						guest = add("ape", fmt.Sprint("guest", guests))
						return
					}
					servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: guest}))(t)
					guest = ""
				})
				if got = kept(got, 0); !slices.Equal(got, want) || len(want) != len(stay) {
					t.Errorf("%s, ascending %t: got %v, want %v", column, ascending, got, want)
				}
			}
		}
	})
}
