package admin_test

import (
	"net/http"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// details are those of an object after so many changes.
func details(sequence uint64, owner string) *zitadelv1.ObjectDetails {
	return &zitadelv1.ObjectDetails{Sequence: sequence, ResourceOwner: owner}
}

func TestHealthz(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, token := range []string{"", "not-a-token"} {
			s.As(token).On("unknown.test").EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.Admin.Healthz(t.Context(), &adminv1.HealthzRequest{}))(t)
				s.Equal(t, got, &adminv1.HealthzResponse{})
			})
		}
	})
}

// domainsOf are the domains of a new instance, whose generated one has the
// name.
func domainsOf(i servertest.Tenant, generated string) []*instancev1.Domain {
	return []*instancev1.Domain{
		{Details: details(5, i.ID), Domain: i.Domain, Primary: true},
		{Details: details(3, i.ID), Domain: generated, Generated: true},
	}
}

func TestGetMyInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		nobody := i.NewToken(t, i.NewMachine(t, "nobody"))
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.GetMyInstance(t.Context(), &adminv1.GetMyInstanceRequest{}))(t)
			if len(got.GetInstance().GetDomains()) != 2 {
				t.Fatalf("the domains are %v", got.GetInstance().GetDomains())
			}
			s.Equal(t, got, &adminv1.GetMyInstanceResponse{Instance: &instancev1.InstanceDetail{
				Id: i.ID, Details: details(7, i.ID), State: instancev1.State_STATE_RUNNING, Name: "acme", Version: servertest.Version,
				Domains: domainsOf(i, got.GetInstance().GetDomains()[1].GetDomain()),
			}})
		})
		nobody.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Admin.GetMyInstance(t.Context(), &adminv1.GetMyInstanceRequest{})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		})
	})
}

func TestListInstanceDomains(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		request := &adminv1.ListInstanceDomainsRequest{
			SortingColumn: instancev1.DomainFieldName_DOMAIN_FIELD_NAME_PRIMARY,
			Query:         &zitadelv1.ListQuery{Limit: 1},
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListInstanceDomains(t.Context(), request))(t)
			s.Equal(t, got, &adminv1.ListInstanceDomainsResponse{
				Details:       &zitadelv1.ListDetails{TotalResult: 2},
				SortingColumn: request.GetSortingColumn(),
				Result:        domainsOf(i, "")[:1],
			})
			_, err := c.Admin.ListInstanceDomains(t.Context(), &adminv1.ListInstanceDomainsRequest{Query: &zitadelv1.ListQuery{Limit: 1001}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
	})
}

// The methods that the contract declares without a body take one, and none.
func TestSearchWithoutBody(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, path := range []string{"/admin/v1/domains/_search", "/admin/v1/members/roles/_search", "/admin/v1/members/_search"} {
			for _, body := range []string{"", "{}", `{"query":{"limit":1}}`} {
				if status, answer := s.As(s.OwnerToken).REST(t, http.MethodPost, path, body); status != http.StatusOK || answer["details"] == nil {
					t.Errorf("%s %q: %d %v", path, body, status, answer)
				}
			}
		}
	})
}
