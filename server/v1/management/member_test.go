package management_test

import (
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestOrgMembers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		first := servertest.OK(i.Owner.Management.ListOrgMembers(t.Context(), nil))(t)
		s.Equal(t, first, &managementv1.ListOrgMembersResponse{
			Details: &zitadelv1.ListDetails{TotalResult: 1},
			Result: []*memberv1.Member{{
				UserId: i.OwnerID, Details: details(5, i.OrganizationID), Roles: []string{"ORG_OWNER"},
				PreferredLoginName: "owner", DisplayName: "Owner",
				UserType: userv1.Type_TYPE_MACHINE, UserResourceOwner: i.OrganizationID,
			}},
		})
		changes := uint64(5)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			id := i.NewHuman(t, c.Name("ada"))
			added := servertest.OK(c.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: id, Roles: []string{"ORG_OWNER_VIEWER"}}))(t)
			s.Equal(t, added, &managementv1.AddOrgMemberResponse{Details: details(changes, i.OrganizationID)})
			_, err := c.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: id, Roles: []string{"ORG_OWNER"}})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "member.exists")

			changes++
			update := &managementv1.UpdateOrgMemberRequest{UserId: id, Roles: []string{"SELF_MANAGEMENT_GLOBAL", "ORG_SETTINGS_MANAGER", "SELF_MANAGEMENT_GLOBAL"}}
			updated := servertest.OK(c.Management.UpdateOrgMember(t.Context(), update))(t)
			s.Equal(t, updated, &managementv1.UpdateOrgMemberResponse{Details: details(changes, i.OrganizationID)})
			if !updated.GetDetails().GetCreationDate().AsTime().Equal(added.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the update moved the time of creation")
			}
			_, err = c.Management.UpdateOrgMember(t.Context(), update)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")

			list := servertest.OK(c.Management.ListOrgMembers(t.Context(), &managementv1.ListOrgMembersRequest{Queries: []*memberv1.SearchQuery{
				{Query: &memberv1.SearchQuery_UserIdQuery{UserIdQuery: &memberv1.UserIDQuery{UserId: id}}},
			}}))(t)
			name := c.Name("ada")
			s.Equal(t, list, &managementv1.ListOrgMembersResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1},
				Result: []*memberv1.Member{{
					UserId: id, Details: details(changes, i.OrganizationID), Roles: []string{"ORG_SETTINGS_MANAGER", "SELF_MANAGEMENT_GLOBAL"},
					PreferredLoginName: name, Email: name + "@example.com", FirstName: name, LastName: "Person", DisplayName: name + " Person",
					UserType: userv1.Type_TYPE_HUMAN, UserResourceOwner: i.OrganizationID,
				}},
			})

			changes++
			removed := servertest.OK(c.Management.RemoveOrgMember(t.Context(), &managementv1.RemoveOrgMemberRequest{UserId: id}))(t)
			s.Equal(t, removed, &managementv1.RemoveOrgMemberResponse{Details: details(changes, i.OrganizationID)})
			_, err = c.Management.RemoveOrgMember(t.Context(), &managementv1.RemoveOrgMemberRequest{UserId: id})
			servertest.Refused(t, err, connect.CodeNotFound, "member.unknown")
		})
	})
}

func TestListOrgMemberRoles(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.NewInstance(t, "acme").Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			roles := servertest.OK(c.Management.ListOrgMemberRoles(t.Context(), &managementv1.ListOrgMemberRolesRequest{}))(t)
			s.Equal(t, roles, &managementv1.ListOrgMemberRolesResponse{Result: []string{
				"ORG_ADMIN_IMPERSONATOR", "ORG_END_USER_IMPERSONATOR", "ORG_OWNER", "ORG_OWNER_VIEWER", "ORG_PROJECT_CREATOR",
				"ORG_PROJECT_PERMISSION_EDITOR", "ORG_SETTINGS_MANAGER", "ORG_USER_MANAGER", "ORG_USER_PERMISSION_EDITOR",
				"ORG_USER_SELF_MANAGER", "SELF_MANAGEMENT_GLOBAL",
			}})
		})
	})
}

func addMember(t *testing.T, c *servertest.Caller, id string, roles ...string) error {
	t.Helper()
	_, err := c.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: id, Roles: roles})
	return err
}

func updateMember(t *testing.T, c *servertest.Caller, id string, roles ...string) error {
	t.Helper()
	_, err := c.Management.UpdateOrgMember(t.Context(), &managementv1.UpdateOrgMemberRequest{UserId: id, Roles: roles})
	return err
}

func removeMember(t *testing.T, c *servertest.Caller, id string) error {
	t.Helper()
	_, err := c.Management.RemoveOrgMember(t.Context(), &managementv1.RemoveOrgMemberRequest{UserId: id})
	return err
}

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusal is a call that has to fail.
type refusal struct {
	err  error
	code connect.Code
	id   string
}

func checkRefusals(t *testing.T, all map[string]refusal) {
	t.Helper()
	for name, r := range all {
		t.Run(name, func(t *testing.T) { servertest.Refused(t, r.err, r.code, r.id) })
	}
}

// Members are those of the chosen organization, wherever in the instance the
// users are at home; and nobody gives or takes what it does not have.
func TestOrgMemberRules(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		second := i.Owner.In(i.NewOrganization(t, "Second"))
		robot, stranger, writer := i.NewMachine(t, "robot"), i.NewMachine(t, "stranger"), i.NewMachine(t, "writer")
		must(t, addMember(t, second, robot, "ORG_OWNER"))
		members := servertest.OK(second.Management.ListOrgMembers(t.Context(), nil))(t).GetResult()
		if len(members) != 1 || members[0].GetUserId() != robot || members[0].GetUserResourceOwner() != i.OrganizationID {
			t.Errorf("the members are %v", members)
		}
		// What counts in one organization does not in another.
		ofSecond := i.As(t, robot)
		if _, err := ofSecond.In(members[0].GetDetails().GetResourceOwner()).Management.GetMyOrg(t.Context(), nil); err != nil {
			t.Error(err)
		}
		_, err := ofSecond.Management.GetMyOrg(t.Context(), nil)
		servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")

		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: writer, Roles: []string{"IAM_ORG_MANAGER"}}))(t)
		manager := i.As(t, writer)
		must(t, addMember(t, manager, robot, "ORG_OWNER_VIEWER"))
		const denied = "member.role_denied"
		checkRefusals(t, map[string]refusal{
			"no role":             {addMember(t, i.Owner, stranger), connect.CodeInvalidArgument, "member.roles_missing"},
			"another level's":     {addMember(t, i.Owner, stranger, "IAM_OWNER"), connect.CodeInvalidArgument, "member.role_unknown"},
			"no such":             {addMember(t, i.Owner, stranger, "ORG_NOBODY"), connect.CodeInvalidArgument, "member.role_unknown"},
			"no user":             {addMember(t, i.Owner, "unknown", "ORG_OWNER"), connect.CodeNotFound, "user.unknown"},
			"of another instance": {addMember(t, i.Owner, other.OwnerID, "ORG_OWNER"), connect.CodeNotFound, "user.unknown"},
			"no id":               {addMember(t, i.Owner, "", "ORG_OWNER"), connect.CodeInvalidArgument, "request.invalid"},
			"no member":           {updateMember(t, i.Owner, stranger, "ORG_OWNER"), connect.CodeNotFound, "member.unknown"},
			"member elsewhere":    {removeMember(t, second, writer), connect.CodeNotFound, "member.unknown"},
			"viewer":              {addMember(t, ofSecond, stranger, "ORG_OWNER_VIEWER"), connect.CodePermissionDenied, "auth.organization_denied"},
			"no owner, add":       {addMember(t, manager, stranger, "ORG_OWNER"), connect.CodePermissionDenied, denied},
			"no owner, update":    {updateMember(t, manager, robot, "ORG_ADMIN_IMPERSONATOR"), connect.CodePermissionDenied, denied},
			"no owner, take":      {updateMember(t, manager, i.OwnerID, "ORG_OWNER_VIEWER"), connect.CodePermissionDenied, denied},
			"no owner, remove":    {removeMember(t, manager, i.OwnerID), connect.CodePermissionDenied, denied},
		})
	})
}

// The last one who can act as an owner stays one.
func TestLastOrgOwner(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		viewer := i.NewMachine(t, "viewer")
		must(t, addMember(t, i.Owner, viewer, "ORG_OWNER_VIEWER"))
		const last = "member.last_owner"
		checkRefusals(t, map[string]refusal{
			"remove":    {removeMember(t, i.Owner, i.OwnerID), connect.CodeFailedPrecondition, last},
			"less":      {updateMember(t, i.Owner, i.OwnerID, "ORG_OWNER_VIEWER"), connect.CodeFailedPrecondition, last},
			"unchanged": {updateMember(t, i.Owner, i.OwnerID, "ORG_OWNER"), connect.CodeFailedPrecondition, "object.unchanged"},
		})
		_, err := i.Owner.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: i.OwnerID})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, last)
		_, err = i.Owner.Admin.UpdateIAMMember(t.Context(), &adminv1.UpdateIAMMemberRequest{UserId: i.OwnerID, Roles: []string{"IAM_ORG_MANAGER"}})
		servertest.Refused(t, err, connect.CodeFailedPrecondition, last)

		must(t, updateMember(t, i.Owner, i.OwnerID, "ORG_OWNER", "ORG_OWNER_VIEWER")) // still an owner
		must(t, updateMember(t, i.Owner, viewer, "ORG_OWNER"))
		must(t, updateMember(t, i.Owner, i.OwnerID, "ORG_OWNER_VIEWER")) // now there is another
		servertest.Refused(t, removeMember(t, i.Owner, viewer), connect.CodeFailedPrecondition, last)
		must(t, removeMember(t, i.Owner, i.OwnerID))

		// Whoever cannot act does not count.
		asleep := i.NewMachine(t, "asleep")
		must(t, addMember(t, i.Owner, asleep, "ORG_OWNER"))
		s.Exec(t, `UPDATE users SET state = 'inactive' WHERE user_id = '`+asleep+`'`)
		servertest.Refused(t, removeMember(t, i.Owner, viewer), connect.CodeFailedPrecondition, last)
		must(t, removeMember(t, i.Owner, asleep))
	})
}

// Of two callers who each take one of the last two owners, one is refused.
func TestLastOwnerAtOnce(t *testing.T) {
	const rounds = 12
	// It acts where an owner stops being one halfway.
	systemOwner := servertest.NewSystemUser(t, "system-owner", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_OWNER"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, system := s.NewInstance(t, "acme"), s.AsSystemUser(t, systemOwner)
		second, inOrg := i.NewMachine(t, "second"), system.On(i.Domain).In(i.OrganizationID)
		for name, level := range map[string]struct {
			add, take func(id string) error
		}{
			"organization": {
				func(id string) error { return addMember(t, inOrg, id, "ORG_OWNER") },
				func(id string) error { return removeMember(t, inOrg, id) },
			},
			"organization, by roles": {
				func(id string) error {
					must(t, ignore(addMember(t, inOrg, id, "ORG_OWNER_VIEWER"), connect.CodeAlreadyExists))
					return ignore(updateMember(t, inOrg, id, "ORG_OWNER"), connect.CodeFailedPrecondition)
				},
				func(id string) error { return updateMember(t, inOrg, id, "ORG_OWNER_VIEWER") },
			},
			"instance": {
				func(id string) error {
					_, err := system.On(i.Domain).Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER"}})
					return err
				},
				func(id string) error {
					_, err := system.On(i.Domain).Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: id})
					return err
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				for range rounds {
					owners := []string{i.OwnerID, second}
					for _, id := range owners {
						must(t, ignore(level.add(id), connect.CodeAlreadyExists))
					}
					errs := make([]error, len(owners))
					atOnce(len(owners), func(n int) { errs[n] = level.take(owners[n]) })
					if (errs[0] == nil) == (errs[1] == nil) {
						t.Fatalf("both ended with %v", errs)
					}
					servertest.Refused(t, errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })], connect.CodeFailedPrecondition, "member.last_owner")
				}
			})
		}
	}, systemOwner.Option)
}

// ignore returns nil for an error of the code.
func ignore(err error, code connect.Code) error {
	if err != nil && connect.CodeOf(err) == code {
		return nil
	}
	return err
}

// atOnce runs f for each number below n at the same time.
func atOnce(n int, f func(int)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}
