package system_test

import (
	"math"
	"slices"
	"testing"

	"connectrpc.com/connect"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func byID(ids ...string) *instancev1.Query {
	return &instancev1.Query{Query: &instancev1.Query_IdQuery{IdQuery: &instancev1.IdsQuery{Ids: ids}}}
}

func byDomain(names ...string) *instancev1.Query {
	return &instancev1.Query{Query: &instancev1.Query_DomainQuery{DomainQuery: &instancev1.DomainsQuery{Domains: names}}}
}

// search returns the ids of the instances that match, in their order, and how
// many match.
func search(t *testing.T, c *servertest.Caller, request *systemv1.ListInstancesRequest) ([]string, uint64) {
	t.Helper()
	answer := servertest.OK(c.System.ListInstances(t.Context(), request))(t)
	ids := make([]string, len(answer.GetResult()))
	for i, instance := range answer.GetResult() {
		ids[i] = instance.GetId()
	}
	return ids, answer.GetDetails().GetTotalResult()
}

func TestSearchInstances(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := s.AsSystem(t)
		first := s.InstanceID
		zoo, ape, bee := s.NewInstance(t, "zoo").ID, s.NewInstance(t, "Ape").ID, s.NewInstance(t, "bee").ID
		for name, test := range map[string]struct {
			queries []*instancev1.Query
			want    []string
		}{
			"all":               {nil, []string{first, zoo, ape, bee}},
			"id":                {[]*instancev1.Query{byID(ape)}, []string{ape}},
			"ids":               {[]*instancev1.Query{byID(ape, first, "unknown")}, []string{first, ape}},
			"no ids":            {[]*instancev1.Query{byID()}, nil},
			"domain":            {[]*instancev1.Query{byDomain("bee.test")}, []string{bee}},
			"domains":           {[]*instancev1.Query{byDomain("BEE.test", "ape.test", "no host", "other.test")}, []string{ape, bee}},
			"part of a domain":  {[]*instancev1.Query{byDomain("test")}, nil},
			"id and domain":     {[]*instancev1.Query{byID(ape, zoo), byDomain("bee.test", "zoo.test")}, []string{zoo}},
			"id and not domain": {[]*instancev1.Query{byID(ape), byDomain("bee.test")}, nil},
		} {
			got, total := search(t, c, &systemv1.ListInstancesRequest{Queries: test.queries, Query: &zitadelv1.ListQuery{Asc: true}})
			if !slices.Equal(got, test.want) || total != uint64(len(test.want)) {
				t.Errorf("%s: got %d of %d: %v, want %v", name, len(got), total, got, test.want)
			}
		}
		for column, want := range map[instancev1.FieldName][]string{
			instancev1.FieldName_FIELD_NAME_UNSPECIFIED:   {first, zoo, ape, bee},
			instancev1.FieldName_FIELD_NAME_ID:            {first, zoo, ape, bee},
			instancev1.FieldName_FIELD_NAME_NAME:          {ape, first, bee, zoo}, // the first one is Bastide
			instancev1.FieldName_FIELD_NAME_CREATION_DATE: {first, zoo, ape, bee},
		} {
			up, _ := search(t, c, &systemv1.ListInstancesRequest{SortingColumn: column, Query: &zitadelv1.ListQuery{Asc: true}})
			down, _ := search(t, c, &systemv1.ListInstancesRequest{SortingColumn: column})
			slices.Reverse(down)
			if !slices.Equal(up, want) || !slices.Equal(down, want) {
				t.Errorf("%s: up %v, down %v, want %v", column, up, down, want)
			}
		}
	})
}

// Pages never overlap, whatever can be asked for.
func TestPagesOfInstances(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := s.AsSystem(t)
		all := []string{s.InstanceID, s.NewInstance(t, "a").ID, s.NewInstance(t, "b").ID, s.NewInstance(t, "c").ID}
		for _, page := range []struct {
			offset uint64
			limit  uint32
			want   []string
		}{
			{0, 2, all[:2]}, {2, 2, all[2:]}, {1, 0, all[1:]}, {3, 1000, all[3:]}, {4, 1, nil},
			{1 << 63, 1, nil}, {math.MaxUint64, 1000, nil},
		} {
			got, total := search(t, c, &systemv1.ListInstancesRequest{Query: &zitadelv1.ListQuery{Asc: true, Offset: page.offset, Limit: page.limit}})
			if !slices.Equal(got, page.want) || total != 4 {
				t.Errorf("from %d, %d: got %v of %d, want %v", page.offset, page.limit, got, total, page.want)
			}
		}
		for _, limit := range []uint32{1001, math.MaxUint32} {
			_, err := c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{Query: &zitadelv1.ListQuery{Limit: limit}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		}
		twenty := slices.Repeat([]*instancev1.Query{byID(all...)}, 20)
		if got, _ := search(t, c, &systemv1.ListInstancesRequest{Queries: twenty}); len(got) != 4 {
			t.Errorf("20 queries found %v", got)
		}
		_, err := c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{Queries: append(twenty, byID())})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
	})
}
