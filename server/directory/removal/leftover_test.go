package removal_test

import (
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// removeOrg removes an organization of the tenant.
func removeOrg(t *testing.T, i servertest.Tenant, id string) {
	t.Helper()
	servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id}))(t)
}

// A user can be given the name of one whose organization was removed, and no
// other one's.
func TestLeftNameIsTakenByRenaming(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		gone, _ := newOrg(t, i, "org", 2)
		beside, _ := newOrg(t, other, "org", 2)
		removeOrg(t, i, gone)
		removeOrg(t, other, beside)
		before := s.Rows(t)
		rename := func(id, name string) error {
			_, err := i.Owner.Management.UpdateUserName(t.Context(), &managementv1.UpdateUserNameRequest{UserId: id, UserName: name})
			return err
		}
		one, two := i.NewMachine(t, "one"), i.NewMachine(t, "two")
		if err := rename(one, "robot1"); err != nil {
			t.Error(err)
		}
		servertest.Refused(t, rename(two, "ROBOT1"), connect.CodeAlreadyExists, "user.name_taken")
		if after := s.Rows(t); after["users"] != before["users"]+1 {
			t.Errorf("users were %d and are %d: two came and one went", before["users"], after["users"])
		}
	}, eraseNothing)
}

// The domain policy changes as if the users of removed organizations were gone:
// those who have a name in the instance, and those who would get one.
func TestPolicyChangesBesideLeftNames(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		byDomain := func(must bool) error {
			_, err := i.Owner.Admin.UpdateDomainPolicy(t.Context(), &adminv1.UpdateDomainPolicyRequest{UserLoginMustBeDomain: must})
			return err
		}
		withoutDomain, _ := newOrg(t, i, "without", 2)
		removeOrg(t, i, withoutDomain)
		if err := byDomain(true); err != nil {
			t.Fatal(err)
		}
		withDomain, _ := newOrg(t, i, "with", 2)
		removeOrg(t, i, withDomain)
		custom, _ := newOrg(t, i, "custom", 0)
		stays, there := newOrg(t, i, "stays", 2)
		refused := byDomain(false)
		servertest.Refused(t, refused, connect.CodeAlreadyExists, "policy.login_names_clash") // both have a "person"
		removeOrg(t, i, custom)
		if err := byDomain(false); err != nil {
			t.Fatal(err)
		}
		_, err := i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot0", Name: "x"})
		servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		// The same for an organization of its own policy.
		servertest.OK(i.Owner.Admin.AddCustomDomainPolicy(t.Context(), &adminv1.AddCustomDomainPolicyRequest{OrgId: stays, UserLoginMustBeDomain: true}))(t)
		again, _ := newOrg(t, i, "again", 2)
		removeOrg(t, i, again)
		servertest.OK(i.Owner.Admin.ResetCustomDomainPolicyToDefault(t.Context(), &adminv1.ResetCustomDomainPolicyToDefaultRequest{OrgId: stays}))(t)
		list := servertest.OK(there.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{}))(t)
		if len(list.GetResult()) != 3 {
			t.Errorf("the users are %v", list.GetResult())
		}
		for _, u := range list.GetResult() {
			if u.GetPreferredLoginName() != u.GetUserName() {
				t.Errorf("%s logs in as %s", u.GetUserName(), u.GetPreferredLoginName())
			}
		}
		s.Restart(t, eraseInBatches)
		s.Erased(t)
		if got := s.Rows(t)["users"]; got != 1+1+3 {
			t.Errorf("%d users are left", got)
		}
	}, eraseNothing)
}

// What removed organizations left does not hold what they had to do with.
func TestRemovalBesideLeftRows(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		goneID, gone := newOrg(t, i, "gone", 0)
		robot := i.NewMachine(t, "robot")
		stranger := servertest.OK(gone.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "stranger", Name: "x"}))(t).GetUserId()
		newProject := func(c *servertest.Caller) string {
			id := servertest.OK(c.Management.AddProject(t.Context(), &managementv1.AddProjectRequest{Name: "Shop"}))(t).GetId()
			for _, key := range []string{"a", "b"} {
				servertest.OK(c.Management.AddProjectRole(t.Context(), &managementv1.AddProjectRoleRequest{ProjectId: id, RoleKey: key, DisplayName: key}))(t)
			}
			return id
		}
		grant := func(c *servertest.Caller, user, project string) {
			servertest.OK(c.Management.AddUserGrant(t.Context(), &managementv1.AddUserGrantRequest{UserId: user, ProjectId: project, RoleKeys: []string{"a"}}))(t)
		}
		project := newProject(i.Owner)
		grant(gone, robot, newProject(gone))
		grant(i.Owner, stranger, project)
		for c, user := range map[*servertest.Caller]string{gone: robot, i.Owner: stranger} {
			servertest.OK(c.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: user, Roles: []string{"ORG_OWNER"}}))(t)
		}
		removeOrg(t, i, goneID)
		m := i.Owner.Management
		servertest.OK(m.RemoveProjectRole(t.Context(), &managementv1.RemoveProjectRoleRequest{ProjectId: project, RoleKey: "a"}))(t)
		servertest.OK(m.RemoveProject(t.Context(), &managementv1.RemoveProjectRequest{Id: project}))(t)
		servertest.OK(m.RemoveUser(t.Context(), &managementv1.RemoveUserRequest{Id: robot}))(t)
		s.Restart(t, eraseInBatches)
		s.Erased(t)
		left := s.Rows(t)
		if left["user_grants"] != 0 || left["projects"] != 0 {
			t.Errorf("%d grants and %d projects are left", left["user_grants"], left["projects"])
		}
	}, eraseNothing)
}

// Of several callers who remove an organization one did, and the others are told
// that there is none. Who adds to it meanwhile is before or after that.
func TestRemoveOrgAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id, there := newOrg(t, i, "org", 0)
		robot := i.NewMachine(t, "robot")
		const callers = 4
		removals, others := make([]error, callers), make([]error, callers)
		var all sync.WaitGroup
		for n := range callers {
			all.Go(func() {
				_, removals[n] = i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id})
			})
			all.Go(func() {
				if n%2 == 0 {
					_, others[n] = there.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: robot, Roles: []string{"ORG_OWNER"}})
				} else {
					_, others[n] = i.Owner.Management.UpdateUserName(t.Context(), &managementv1.UpdateUserNameRequest{UserId: robot, UserName: "person"})
				}
			})
		}
		all.Wait()
		done := 0
		for _, err := range removals {
			if err == nil {
				done++
			} else if connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("a removal ended with %v", err)
			}
		}
		if done != 1 {
			t.Errorf("%d of %d removed it", done, callers)
		}
		for _, err := range others {
			late := []connect.Code{connect.CodeNotFound, connect.CodePermissionDenied, connect.CodeAlreadyExists, connect.CodeFailedPrecondition}
			if err != nil && !slices.Contains(late, connect.CodeOf(err)) {
				t.Errorf("a writer got %v", err)
			}
		}
		s.Erased(t)
		servertest.OK(i.Owner.Management.RemoveUser(t.Context(), &managementv1.RemoveUserRequest{Id: robot}))(t)
		servertest.OK(i.Owner.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: "org"}))(t)
	})
}
