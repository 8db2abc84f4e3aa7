package system_test

import (
	"slices"
	"testing"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func domainQuery(method zitadelv1.TextQueryMethod, needle string) *instancev1.DomainSearchQuery {
	return &instancev1.DomainSearchQuery{Query: &instancev1.DomainSearchQuery_DomainQuery{
		DomainQuery: &instancev1.DomainQuery{Domain: needle, Method: method},
	}}
}

func primaryQuery(primary bool) *instancev1.DomainSearchQuery {
	return &instancev1.DomainSearchQuery{Query: &instancev1.DomainSearchQuery_PrimaryQuery{
		PrimaryQuery: &instancev1.DomainPrimaryQuery{Primary: primary},
	}}
}

func generatedQuery(generated bool) *instancev1.DomainSearchQuery {
	return &instancev1.DomainSearchQuery{Query: &instancev1.DomainSearchQuery_GeneratedQuery{
		GeneratedQuery: &instancev1.DomainGeneratedQuery{Generated: generated},
	}}
}

// list returns the names of the domains of an instance that match, by name.
func list(t *testing.T, c *servertest.Caller, instanceID string, queries ...*instancev1.DomainSearchQuery) []string {
	t.Helper()
	return names(servertest.OK(c.System.ListDomains(t.Context(), &systemv1.ListDomainsRequest{
		InstanceId: instanceID, Queries: queries, Query: &zitadelv1.ListQuery{Asc: true},
		SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN,
	}))(t).GetResult())
}

func names(domains []*instancev1.Domain) []string {
	all := make([]string, len(domains))
	for i, d := range domains {
		all[i] = d.GetDomain()
	}
	return all
}

func TestSearchDomains(t *testing.T) {
	const (
		equals         = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS
		equalsIgnore   = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE
		starts         = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH
		startsIgnore   = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE
		contains       = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS
		containsIgnore = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE
		ends           = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH
		endsIgnore     = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE
		a, b, c        = "a.search.test", "b.search.test", "xn--bcher-kva.search.test"
		primary        = "search.test"
	)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, system := s.NewInstance(t, "search"), s.AsSystem(t)
		for _, name := range []string{c, a, b} {
			servertest.OK(system.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name}))(t)
		}
		generated := list(t, system, i.ID, generatedQuery(true))[0]
		for name, test := range map[string]struct {
			queries []*instancev1.DomainSearchQuery
			want    []string
		}{
			"all":                {nil, []string{a, b, generated, primary, c}},
			"equals":             {[]*instancev1.DomainSearchQuery{domainQuery(equals, a)}, []string{a}},
			"equals, other case": {[]*instancev1.DomainSearchQuery{domainQuery(equals, "A.search.test")}, nil},
			"equals, nothing":    {[]*instancev1.DomainSearchQuery{domainQuery(equals, "")}, nil},
			"equals ignore":      {[]*instancev1.DomainSearchQuery{domainQuery(equalsIgnore, "A.SEARCH.test")}, []string{a}},
			"starts":             {[]*instancev1.DomainSearchQuery{domainQuery(starts, "b.")}, []string{b}},
			"starts ignore":      {[]*instancev1.DomainSearchQuery{domainQuery(startsIgnore, "B.")}, []string{b}},
			"starts, nothing":    {[]*instancev1.DomainSearchQuery{domainQuery(starts, "")}, []string{a, b, generated, primary, c}},
			"contains":           {[]*instancev1.DomainSearchQuery{domainQuery(contains, ".search.")}, []string{a, b, c}},
			"contains, a sign":   {[]*instancev1.DomainSearchQuery{domainQuery(contains, "%")}, nil},
			"contains, any":      {[]*instancev1.DomainSearchQuery{domainQuery(contains, "_.search")}, nil},
			"contains ignore":    {[]*instancev1.DomainSearchQuery{domainQuery(containsIgnore, "BCHER")}, []string{c}},
			"ends":               {[]*instancev1.DomainSearchQuery{domainQuery(ends, ".localhost")}, []string{generated}},
			"ends ignore":        {[]*instancev1.DomainSearchQuery{domainQuery(endsIgnore, "KVA.Search.Test")}, []string{c}},
			"primary":            {[]*instancev1.DomainSearchQuery{primaryQuery(true)}, []string{primary}},
			"not primary":        {[]*instancev1.DomainSearchQuery{primaryQuery(false)}, []string{a, b, generated, c}},
			"not generated":      {[]*instancev1.DomainSearchQuery{generatedQuery(false)}, []string{a, b, primary, c}},
			"both":               {[]*instancev1.DomainSearchQuery{generatedQuery(false), primaryQuery(false)}, []string{a, b, c}},
			"never both":         {[]*instancev1.DomainSearchQuery{generatedQuery(true), primaryQuery(true)}, nil},
		} {
			if got := list(t, system, i.ID, test.queries...); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
		}
	})
}

func TestSortDomains(t *testing.T) {
	const a, b, c, primary = "a.search.test", "b.search.test", "c.search.test", "search.test"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, system := s.NewInstance(t, "search"), s.AsSystem(t)
		for _, name := range []string{c, a, b} {
			servertest.OK(system.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name}))(t)
		}
		generated := list(t, system, i.ID, generatedQuery(true))[0]
		byName := []string{a, b, c, generated, primary}
		slices.Sort(byName)
		for column, want := range map[instancev1.DomainFieldName][]string{
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_UNSPECIFIED:   byName,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN:        byName,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY:       {generated, c, a, b, primary},
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_GENERATED:     {primary, c, a, b, generated},
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_CREATION_DATE: {generated, primary, c, a, b},
		} {
			for _, ascending := range []bool{true, false} {
				got := names(servertest.OK(system.System.ListDomains(t.Context(), &systemv1.ListDomainsRequest{
					InstanceId: i.ID, SortingColumn: column, Query: &zitadelv1.ListQuery{Asc: ascending},
				}))(t).GetResult())
				if !ascending {
					slices.Reverse(got)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, ascending %t: got %q, want %q", column, ascending, got, want)
				}
			}
		}
	})
}
