package system_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestExistsDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "bücher")
		system := s.AsSystem(t)
		system.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for name, exists := range map[string]bool{
				i.Domain: true, "xn--bcher-kva.test": true, "BÜCHER.Test": true, "localhost": true, "other.test": false, "test": false,
			} {
				got := servertest.OK(c.System.ExistsDomain(t.Context(), &systemv1.ExistsDomainRequest{Domain: name}))(t)
				if got.GetExists() != exists {
					t.Errorf("%s: %t", name, got.GetExists())
				}
			}
			_, err := c.System.ExistsDomain(t.Context(), &systemv1.ExistsDomainRequest{Domain: "no host"})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "domain.invalid")
		})
	})
}

func TestListDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.System.ListDomains(t.Context(), &systemv1.ListDomainsRequest{
				InstanceId: i.ID, SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY,
			}))(t)
			s.Equal(t, got, &systemv1.ListDomainsResponse{
				Details:       &zitadelv1.ListDetails{TotalResult: 2},
				SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY,
				Result:        domainsOf(i, got.GetResult()),
			})
			_, err := c.System.ListDomains(t.Context(), &systemv1.ListDomainsRequest{InstanceId: "unknown"})
			servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")
		})
	})
}

func TestAddDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			request := &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: c.Name("Added") + ".test"}
			got := servertest.OK(c.System.AddDomain(t.Context(), request))(t)
			s.Equal(t, got, &systemv1.AddDomainResponse{Details: details(changes, i.ID)})
			_, err := c.System.AddDomain(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "domain.taken")
		})
	})
}

func TestSetPrimaryDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("added") + ".test"
			servertest.OK(c.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name}))(t)
			changes += 2
			request := &systemv1.SetPrimaryDomainRequest{InstanceId: i.ID, Domain: name}
			got := servertest.OK(c.System.SetPrimaryDomain(t.Context(), request))(t)
			s.Equal(t, got, &systemv1.SetPrimaryDomainResponse{Details: details(changes, i.ID)})
			if primary := list(t, c, i.ID, primaryQuery(true)); !slices.Equal(primary, []string{name}) {
				t.Errorf("the primary domains are %q", primary)
			}
			_, err := c.System.SetPrimaryDomain(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = c.System.SetPrimaryDomain(t.Context(), &systemv1.SetPrimaryDomainRequest{InstanceId: i.ID, Domain: "other.test"})
			servertest.Refused(t, err, connect.CodeNotFound, "domain.unknown")
		})
	})
}

func TestRemoveDomain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		changes := uint64(7)
		generated := list(t, s.AsSystem(t), i.ID, generatedQuery(true))[0]
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			name := c.Name("added") + ".test"
			servertest.OK(c.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name}))(t)
			changes += 2
			got := servertest.OK(c.System.RemoveDomain(t.Context(), &systemv1.RemoveDomainRequest{InstanceId: i.ID, Domain: name}))(t)
			s.Equal(t, got, &systemv1.RemoveDomainResponse{Details: details(changes, i.ID)})
			for domain, want := range map[string]struct {
				code connect.Code
				id   string
			}{
				name:         {connect.CodeNotFound, "domain.unknown"},
				other.Domain: {connect.CodeNotFound, "domain.unknown"},
				i.Domain:     {connect.CodeFailedPrecondition, "domain.primary"},
				generated:    {connect.CodeFailedPrecondition, "domain.generated"},
			} {
				_, err := c.System.RemoveDomain(t.Context(), &systemv1.RemoveDomainRequest{InstanceId: i.ID, Domain: domain})
				servertest.Refused(t, err, want.code, want.id)
			}
			// The name is free again, for anybody.
			servertest.OK(c.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: other.ID, Domain: name}))(t)
		})
	})
}

// A domain works on the very next call, and no longer once it is removed.
func TestDomainLeadsToInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		system, owner := s.AsSystem(t), i.Owner.On("added.test")
		_, err := owner.Admin.GetMyInstance(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		servertest.OK(system.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: "added.test"}))(t)
		servertest.OK(owner.Admin.GetMyInstance(t.Context(), nil))(t)
		servertest.OK(system.System.RemoveDomain(t.Context(), &systemv1.RemoveDomainRequest{InstanceId: i.ID, Domain: "added.test"}))(t)
		_, err = owner.Admin.GetMyInstance(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
	})
}

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
		for column, want := range map[instancev1.DomainFieldName][]string{
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_UNSPECIFIED:   {a, b, generated, primary, c},
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN:        {a, b, generated, primary, c},
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
