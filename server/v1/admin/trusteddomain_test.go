package admin_test

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func trust(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Admin.AddInstanceTrustedDomain(t.Context(), &adminv1.AddInstanceTrustedDomainRequest{Domain: name})
	return err
}

func distrust(t *testing.T, c *servertest.Caller, name string) error {
	t.Helper()
	_, err := c.Admin.RemoveInstanceTrustedDomain(t.Context(), &adminv1.RemoveInstanceTrustedDomainRequest{Domain: name})
	return err
}

func TestTrustedDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			name := c.Name("partner") + ".example"
			added := servertest.OK(c.Admin.AddInstanceTrustedDomain(t.Context(), &adminv1.AddInstanceTrustedDomainRequest{Domain: strings.ToUpper(name)}))(t)
			s.Equal(t, added, &adminv1.AddInstanceTrustedDomainResponse{Details: details(changes, i.ID)})
			if d := added.GetDetails(); !proto.Equal(d.GetCreationDate(), d.GetChangeDate()) {
				t.Errorf("the domain was made before it was added: %v", d)
			}
			servertest.Refused(t, trust(t, c, name), connect.CodeAlreadyExists, "trusted_domain.exists")
			request := &adminv1.ListInstanceTrustedDomainsRequest{SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN}
			list := &adminv1.ListInstanceTrustedDomainsResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1}, SortingColumn: request.GetSortingColumn(),
				Result: []*instancev1.TrustedDomain{{Details: details(changes, i.ID), Domain: name}},
			}
			s.Equal(t, servertest.OK(c.Admin.ListInstanceTrustedDomains(t.Context(), request))(t), list)
			changes++
			removed := servertest.OK(c.Admin.RemoveInstanceTrustedDomain(t.Context(), &adminv1.RemoveInstanceTrustedDomainRequest{Domain: name}))(t)
			s.Equal(t, removed, &adminv1.RemoveInstanceTrustedDomainResponse{Details: details(changes, i.ID)})
			servertest.Refused(t, distrust(t, c, name), connect.CodeNotFound, "trusted_domain.unknown")
		})
		other := s.NewInstance(t, "other")
		for _, c := range []*servertest.Caller{i.Owner, other.Owner} { // each instance trusts whom it likes
			if err := trust(t, c, "both.example"); err != nil {
				t.Error(err)
			}
		}
		for name, id := range map[string]string{"a b": "domain.invalid", "127.0.0.1": "domain.invalid", "https://a.example": "domain.invalid", "": "request.invalid"} {
			servertest.Refused(t, trust(t, i.Owner, name), connect.CodeInvalidArgument, id)
			if id != "request.invalid" {
				servertest.Refused(t, distrust(t, i.Owner, name), connect.CodeInvalidArgument, id)
			}
		}
		if err := distrust(t, i.Owner, "BOTH.example"); err != nil {
			t.Error(err)
		}
		if got := trusted(t, other.Owner, nil); !slices.Equal(got, []string{"both.example"}) {
			t.Errorf("the other instance trusts %q", got)
		}
	})
}

// trusted returns the names of what a search finds.
func trusted(t *testing.T, c *servertest.Caller, request *adminv1.ListInstanceTrustedDomainsRequest) (names []string) {
	t.Helper()
	answer := servertest.OK(c.Admin.ListInstanceTrustedDomains(t.Context(), request))(t)
	for _, d := range answer.GetResult() {
		names = append(names, d.GetDomain())
	}
	if total := answer.GetDetails().GetTotalResult(); request.GetQuery().GetLimit() == 0 && total != uint64(len(names)) {
		t.Errorf("%d domains of %d", len(names), total)
	}
	return names
}

const partnerA, partnerB, bookshop = "a.partner.example", "b.partner.example", "xn--bcher-kva.example"

// trustful makes an instance that trusts the bookshop, then the partners.
func trustful(t *testing.T, s *servertest.Server) servertest.Tenant {
	t.Helper()
	i := s.NewInstance(t, "acme")
	for _, name := range []string{"Bücher.example", partnerA, partnerB} {
		if err := trust(t, i.Owner, name); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func TestSearchTrustedDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := trustful(t, s)
		for _, test := range []struct {
			method zitadelv1.TextQueryMethod
			needle string
			want   []string
		}{
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, partnerA, []string{partnerA}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS, "A.partner.example", nil},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE, "A.PARTNER.example", []string{partnerA}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH, "a", []string{partnerA}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE, "B.P", []string{partnerB}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS, "_", nil},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS, "partner", []string{partnerA, partnerB}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE, "BCHER", []string{bookshop}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH, ".example", []string{partnerA, partnerB, bookshop}},
			{zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE, "KVA.Example", []string{bookshop}},
		} {
			query := &instancev1.TrustedDomainSearchQuery{Query: &instancev1.TrustedDomainSearchQuery_DomainQuery{DomainQuery: &instancev1.DomainQuery{Domain: test.needle, Method: test.method}}}
			got := trusted(t, i.Owner, &adminv1.ListInstanceTrustedDomainsRequest{
				Query: &zitadelv1.ListQuery{Asc: true}, SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN,
				Queries: []*instancev1.TrustedDomainSearchQuery{query},
			})
			if !slices.Equal(got, test.want) {
				t.Errorf("%s %q: got %q, want %q", test.method, test.needle, got, test.want)
			}
		}
		_, err := i.Owner.Admin.ListInstanceTrustedDomains(t.Context(), &adminv1.ListInstanceTrustedDomainsRequest{Queries: []*instancev1.TrustedDomainSearchQuery{{}}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
	})
}

func TestSortTrustedDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := trustful(t, s)
		inTurn, byName := []string{bookshop, partnerA, partnerB}, []string{partnerA, partnerB, bookshop}
		for column, want := range map[instancev1.DomainFieldName][]string{
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_UNSPECIFIED:   byName,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_DOMAIN:        byName,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY:       inTurn,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_GENERATED:     inTurn,
			instancev1.DomainFieldName_DOMAIN_FIELD_NAME_CREATION_DATE: inTurn,
		} {
			for _, ascending := range []bool{true, false} {
				ordered := slices.Clone(want)
				if !ascending {
					slices.Reverse(ordered)
				}
				page := func(offset uint64, limit uint32) []string {
					return trusted(t, i.Owner, &adminv1.ListInstanceTrustedDomainsRequest{
						Query: &zitadelv1.ListQuery{Asc: ascending, Offset: offset, Limit: limit}, SortingColumn: column,
					})
				}
				if whole, pages := page(0, 0), slices.Concat(page(0, 2), page(2, 2)); !slices.Equal(whole, ordered) || !slices.Equal(pages, ordered) {
					t.Errorf("%s, ascending %t: got %q, in pages %q, want %q", column, ascending, whole, pages, ordered)
				}
			}
		}
	})
}
