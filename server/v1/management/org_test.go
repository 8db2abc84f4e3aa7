package management_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
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
				got := servertest.OK(c.Management.Healthz(t.Context(), &managementv1.HealthzRequest{}))(t)
				s.Equal(t, got, &managementv1.HealthzResponse{})
			})
		}
	})
}

func TestGetMyOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{}))(t)
			s.Equal(t, got, &managementv1.GetMyOrgResponse{Org: &orgv1.Org{
				Id: i.OrganizationID, Details: details(5, i.OrganizationID), State: orgv1.OrgState_ORG_STATE_ACTIVE,
				Name: "acme", PrimaryDomain: "acme.acme.test",
			}})
			_, err := c.In("unknown").Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")
		})
	})
}

// The header chooses the organization; which ones exist, nobody learns.
func TestChosenOrganization(t *testing.T) {
	const denied, missing = "auth.organization_denied", "auth.organization_missing"
	everywhere := servertest.NewSystemUser(t, "everywhere", caller.Membership{Level: caller.SystemLevel, Roles: []string{"ORG_OWNER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		system := s.AsSystemUser(t, everywhere).On(i.Domain)
		for name, test := range map[string]struct {
			caller *servertest.Caller
			code   connect.Code
			id     string
		}{
			"own":                {i.Owner.In(i.OrganizationID), 0, ""},
			"own, with spaces":   {i.Owner.In(" " + i.OrganizationID + " "), 0, ""},
			"empty":              {i.Owner.In(""), 0, ""},
			"unknown":            {i.Owner.In("123456789012345678"), connect.CodePermissionDenied, denied},
			"malformed":          {i.Owner.In("' OR 1=1 --"), connect.CodePermissionDenied, denied},
			"long":               {i.Owner.In(strings.Repeat("1", 4000)), connect.CodePermissionDenied, denied},
			"of another":         {i.Owner.In(other.OrganizationID), connect.CodePermissionDenied, denied},
			"own and another":    {i.Owner.In(i.OrganizationID).In(other.OrganizationID), connect.CodeInvalidArgument, "request.header_repeated"},
			"own twice":          {i.Owner.In(i.OrganizationID).In(i.OrganizationID), connect.CodeInvalidArgument, "request.header_repeated"},
			"system":             {system.In(i.OrganizationID), 0, ""},
			"system without":     {system, connect.CodeNotFound, missing},
			"system, empty":      {system.In(""), connect.CodeNotFound, missing},
			"system, of another": {system.In(other.OrganizationID), connect.CodePermissionDenied, denied},
			"without a token":    {s.As("").On(i.Domain).In(i.OrganizationID), connect.CodeUnauthenticated, "auth.token_invalid"},
		} {
			t.Run(name, func(t *testing.T) {
				got, err := test.caller.Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
				if test.code != 0 {
					servertest.Refused(t, err, test.code, test.id)
				} else if err != nil || got.GetOrg().GetId() != i.OrganizationID {
					t.Errorf("got %v, %v", got.GetOrg(), err)
				}
			})
		}
	}, everywhere.Option)
}

// What is in another organization of the instance is reached through the
// header, by whoever may act there, and not without it.
func TestAnotherOrganization(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.NewOrganization(t, "Second")
		ofFirst := servertest.NewSystemUser(t, "of-first", caller.Membership{
			Level: caller.OrganizationLevel, ID: i.OrganizationID, Roles: []string{"ORG_OWNER"},
		})
		s.Restart(t, ofFirst.Option)
		there := i.Owner.In(second)
		if org := servertest.OK(there.Management.GetMyOrg(t.Context(), nil))(t).GetOrg(); org.GetId() != second || org.GetName() != "Second" {
			t.Errorf("the organization is %v", org)
		}
		robot := servertest.OK(there.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot", Name: "x"}))(t)
		if owner := robot.GetDetails().GetResourceOwner(); owner != second {
			t.Errorf("the user is of organization %s", owner)
		}
		for name, refused := range map[string]*servertest.Caller{"no header": i.Owner, "the first": i.Owner.In(i.OrganizationID)} {
			_, err := refused.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot.GetUserId()})
			t.Run(name, func(t *testing.T) { servertest.Refused(t, err, connect.CodeNotFound, "object.unknown") })
		}
		servertest.OK(there.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot.GetUserId()}))(t)
		_, err := there.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: i.OwnerID})
		servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")

		// It exists, and is for the owner of the first as if it did not.
		_, err = s.AsSystemUser(t, ofFirst).On(i.Domain).In(second).Management.GetMyOrg(t.Context(), nil)
		servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")
		servertest.OK(s.AsSystemUser(t, ofFirst).On(i.Domain).In(i.OrganizationID).Management.GetMyOrg(t.Context(), nil))(t)
	})
}
