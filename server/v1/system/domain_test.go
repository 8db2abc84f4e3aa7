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
