package management_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

const lastOwner, isDefault = "organization.owns_instance", "organization.default"

// addOrg adds an organization, and returns its id.
func addOrg(t *testing.T, c *servertest.Caller, name string) string {
	t.Helper()
	return servertest.OK(c.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: name}))(t).GetId()
}

// myOrg returns the chosen organization.
func myOrg(t *testing.T, c *servertest.Caller) *orgv1.Org {
	t.Helper()
	return servertest.OK(c.Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{}))(t).GetOrg()
}

// machineIn adds a machine user to an organization, and returns its id and a
// caller with its token.
func machineIn(t *testing.T, s *servertest.Server, i servertest.Tenant, organizationID, name string) (string, *servertest.Caller) {
	t.Helper()
	there := i.Owner.In(organizationID)
	id := servertest.OK(there.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}))(t).GetUserId()
	token := servertest.OK(there.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: id}))(t)
	return id, s.As(token.GetToken()).On(i.Domain)
}

func TestAddOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		plain := i.NewToken(t, i.NewMachine(t, "plain"))
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			request := &managementv1.AddOrgRequest{Name: c.Name("Über")}
			got := servertest.OK(c.Management.AddOrg(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.AddOrgResponse{Id: got.GetId(), Details: details(5, got.GetId())})
			if !regexp.MustCompile(`^\d{18}$`).MatchString(got.GetId()) {
				t.Errorf("the id is %q", got.GetId())
			}
			s.Equal(t, myOrg(t, c.In(got.GetId())), &orgv1.Org{
				Id: got.GetId(), Details: details(5, got.GetId()), State: orgv1.OrgState_ORG_STATE_ACTIVE,
				Name: request.GetName(), PrimaryDomain: c.Name("ber") + ".acme.test",
			})
			_, err := c.Management.AddOrg(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.name_taken")
			_, err = c.Via(servertest.ConnectJSON).In(got.GetId()).Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
			_, err = plain.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: "not mine"})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		})
		// Names that make the same label get domains of their own.
		first := myOrg(t, i.Owner.In(addOrg(t, i.Owner, "A b"))).GetPrimaryDomain()
		second := myOrg(t, i.Owner.In(addOrg(t, i.Owner, "A-b"))).GetPrimaryDomain()
		if first != "a-b.acme.test" || !regexp.MustCompile(`^a-b-[0-9a-z]{6}\.acme\.test$`).MatchString(second) {
			t.Errorf("the domains are %s and %s", first, second)
		}
	})
}

// Who adds an organization without being an owner of the instance looks after
// it, and after no other.
func TestAddOrgMakesAnOwner(t *testing.T) {
	everywhere := servertest.NewSystemUser(t, "everywhere", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_OWNER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewMachine(t, "manager")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_ORG_MANAGER"}}))(t)
		manager := i.NewToken(t, id)
		made := addOrg(t, manager, "made")
		servertest.OK(i.Owner.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: id}))(t)
		if got := myOrg(t, manager.In(made)).GetName(); got != "made" {
			t.Errorf("the organization is called %q", got)
		}
		_, err := manager.In(i.OrganizationID).Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: "x"})
		servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")
		// A system user is no user, and becomes nobody's member.
		bare := addOrg(t, s.AsSystemUser(t, everywhere).On(i.Domain).In(i.OrganizationID), "bare")
		if got := myOrg(t, i.Owner.In(bare)).GetDetails().GetSequence(); got != 4 {
			t.Errorf("the organization was changed %d times", got)
		}
	}, everywhere.Option)
}

func TestUpdateOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			there := c.In(addOrg(t, c, c.Name("Before")))
			before := myOrg(t, there)
			got := servertest.OK(there.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: c.Name("After")}))(t)
			s.Equal(t, got, &managementv1.UpdateOrgResponse{Details: details(6, before.GetId())})
			if !got.GetDetails().GetCreationDate().AsTime().Equal(before.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the update moved the time of creation")
			}
			s.Equal(t, myOrg(t, there), &orgv1.Org{
				Id: before.GetId(), Details: details(6, before.GetId()), State: orgv1.OrgState_ORG_STATE_ACTIVE,
				Name: c.Name("After"), PrimaryDomain: before.GetPrimaryDomain(),
			})
			_, err := there.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: c.Name("After")})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = there.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: "ACME"})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "organization.name_taken")
			// The case of its own name is its own.
			servertest.OK(there.Management.UpdateOrg(t.Context(), &managementv1.UpdateOrgRequest{Name: c.Name("AFTER")}))(t)
			addOrg(t, c, c.Name("Before")) // is free again
		})
	})
}

func TestDeactivateAndReactivateOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := addOrg(t, c, c.Name("org"))
			there := c.In(id)
			_, robot := machineIn(t, s, i, id, c.Name("robot"))
			servertest.OK(robot.Auth.GetMyUser(t.Context(), nil))(t)
			_, err := there.Management.ReactivateOrg(t.Context(), &managementv1.ReactivateOrgRequest{})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "organization.active")

			got := servertest.OK(there.Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
			s.Equal(t, got, &managementv1.DeactivateOrgResponse{Details: details(6, id)})
			_, err = robot.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
			if state := myOrg(t, there).GetState(); state != orgv1.OrgState_ORG_STATE_INACTIVE {
				t.Errorf("the state is %s", state)
			}
			_, err = there.Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "organization.inactive")

			back := servertest.OK(there.Management.ReactivateOrg(t.Context(), &managementv1.ReactivateOrgRequest{}))(t)
			s.Equal(t, back, &managementv1.ReactivateOrgResponse{Details: details(7, id)})
			servertest.OK(robot.Auth.GetMyUser(t.Context(), nil))(t)
		})
		_, err := i.Owner.Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, isDefault)
	})
}

func TestRemoveOrg(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			id := addOrg(t, c, c.Name("org"))
			user, robot := machineIn(t, s, i, id, c.Name("robot"))
			servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: user, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
			got := servertest.OK(c.In(id).Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{}))(t)
			s.Equal(t, got, &managementv1.RemoveOrgResponse{Details: details(6, id)})
			_, err := robot.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
			_, err = c.In(id).Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")
			members := servertest.OK(c.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{}))(t)
			if total := members.GetDetails().GetTotalResult(); total != 1 || len(members.GetResult()) != 1 {
				t.Errorf("the instance has %d members, %d of them listed", total, len(members.GetResult()))
			}
		})
		_, err := i.Owner.Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, isDefault)
	})
}

// Somebody always looks after the instance.
func TestLastOwnersOrganizationStays(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second := i.NewOrganization(t, "second")
		id, robot := machineIn(t, s, i, second, "robot")
		servertest.OK(i.Owner.Admin.SetDefaultOrg(t.Context(), &adminv1.SetDefaultOrgRequest{OrgId: second}))(t)
		leave := func(c *servertest.Caller) (errs [2]error) {
			_, errs[0] = c.Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{})
			_, errs[1] = c.Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{})
			return errs
		}
		for _, err := range leave(i.Owner) {
			servertest.Refused(t, err, connect.CodeFailedPrecondition, lastOwner)
		}
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER"}}))(t)
		// Another owner, whom a third organization keeps out, is none.
		third := i.NewOrganization(t, "third")
		sleeper, _ := machineIn(t, s, i, third, "sleeper")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: sleeper, Roles: []string{"IAM_OWNER"}}))(t)
		servertest.OK(i.Owner.In(third).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
		servertest.OK(robot.In(i.OrganizationID).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
		servertest.OK(robot.Admin.GetDefaultOrg(t.Context(), nil))(t)
		servertest.OK(robot.In(i.OrganizationID).Management.ReactivateOrg(t.Context(), &managementv1.ReactivateOrgRequest{}))(t)

		// Of two organizations with one owner each, only one goes at once.
		fourth := i.NewOrganization(t, "fourth")
		servertest.OK(robot.Admin.SetDefaultOrg(t.Context(), &adminv1.SetDefaultOrgRequest{OrgId: fourth}))(t)
		var all sync.WaitGroup
		var errs [2]error
		for n, c := range []*servertest.Caller{i.Owner, robot} {
			all.Go(func() { _, errs[n] = c.Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}) })
		}
		all.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("two owners deactivated their organizations: %v", errs)
		}
		for _, err := range errs {
			if err != nil {
				servertest.Refused(t, err, connect.CodeFailedPrecondition, lastOwner)
			}
		}
	})
}

// Nor is another organization left alone whose owners are at home in one that
// goes.
func TestOwnersOfOtherOrganizationsStay(t *testing.T) {
	const owner = "organization.owns_organization"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		home, owned := i.NewOrganization(t, "home"), i.NewOrganization(t, "owned")
		id, _ := machineIn(t, s, i, home, "robot")
		viewer, _ := machineIn(t, s, i, home, "viewer")
		there := i.Owner.In(owned)
		must(t, addMember(t, there, id, "ORG_OWNER"))
		must(t, addMember(t, i.Owner, id, "ORG_OWNER")) // of this one there is another
		must(t, addMember(t, i.Owner.In(home), id, "ORG_OWNER"))
		must(t, addMember(t, there, viewer, "ORG_OWNER_VIEWER"))
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: viewer, Roles: []string{"IAM_OWNER"}}))(t)
		refused := func() {
			t.Helper()
			_, err := i.Owner.In(home).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, owner)
			if err != nil && !strings.Contains(err.Error(), owned) {
				t.Errorf("the error does not name the organization: %v", err)
			}
			_, err = i.Owner.In(home).Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, owner)
		}
		refused()
		// Whoever cannot act is no other owner.
		asleep := i.NewOrganization(t, "asleep")
		sleeper, _ := machineIn(t, s, i, asleep, "sleeper")
		must(t, addMember(t, there, sleeper, "ORG_OWNER"))
		locked := i.NewMachine(t, "locked")
		must(t, addMember(t, there, locked, "ORG_OWNER"))
		servertest.OK(lock(t, i.Owner, locked))(t)
		servertest.OK(i.Owner.In(asleep).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
		refused()
		must(t, addMember(t, there, i.OwnerID, "ORG_OWNER"))
		servertest.OK(i.Owner.In(home).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{}))(t)
		servertest.OK(i.Owner.In(home).Management.RemoveOrg(t.Context(), &managementv1.RemoveOrgRequest{}))(t)
	})
}

// Two callers who each end one of the last two owners of an organization, one
// with its home and one by itself: one of them comes too late.
func TestOwnersElsewhereAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for round := range 10 {
			home, owned := i.NewOrganization(t, fmt.Sprint("home", round)), i.NewOrganization(t, fmt.Sprint("owned", round))
			id, _ := machineIn(t, s, i, home, fmt.Sprint("robot", round))
			must(t, addMember(t, i.Owner.In(owned), id, "ORG_OWNER"))
			must(t, addMember(t, i.Owner.In(owned), i.OwnerID, "ORG_OWNER"))
			var both sync.WaitGroup
			var errs [2]error
			both.Go(func() {
				_, errs[0] = i.Owner.In(home).Management.DeactivateOrg(t.Context(), &managementv1.DeactivateOrgRequest{})
			})
			both.Go(func() { errs[1] = removeMember(t, i.Owner.In(owned), i.OwnerID) })
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("round %d: the last two owners: %v", round, errs)
			}
		}
	})
}

func TestGetOrgByDomainGlobal(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		s.Exec(t, fmt.Sprintf(`INSERT INTO organization_domains (instance_id, organization_pk, domain, verified, is_primary, sequence, created_at, changed_at)
			SELECT instance_id, id, 'claimed.test', false, false, 1, created_at, created_at FROM organizations WHERE organization_id = '%s'`, i.OrganizationID))
		second := addOrg(t, i.Owner, "Second")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for name, want := range map[string]string{"acme.acme.test": i.OrganizationID, "SECOND.acme.test": second} {
				got := servertest.OK(c.Management.GetOrgByDomainGlobal(t.Context(), &managementv1.GetOrgByDomainGlobalRequest{Domain: name}))(t)
				s.Equal(t, got.GetOrg(), myOrg(t, c.In(want)))
			}
			for _, name := range []string{"claimed.test", "other.other.test", "no host name", "acme.test"} {
				_, err := c.Management.GetOrgByDomainGlobal(t.Context(), &managementv1.GetOrgByDomainGlobalRequest{Domain: name})
				servertest.Refused(t, err, connect.CodeNotFound, "organization.unknown")
			}
		})
		got := servertest.OK(other.Owner.Management.GetOrgByDomainGlobal(t.Context(), &managementv1.GetOrgByDomainGlobalRequest{Domain: "other.other.test"}))(t)
		if got.GetOrg().GetId() != other.OrganizationID {
			t.Errorf("got %v", got)
		}
	})
}
