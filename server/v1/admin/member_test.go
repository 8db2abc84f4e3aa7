package admin_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestAddIAMMember(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			request := &adminv1.AddIAMMemberRequest{UserId: i.NewMachine(t, c.Name("robot")), Roles: []string{"IAM_OWNER_VIEWER"}}
			got := servertest.OK(c.Admin.AddIAMMember(t.Context(), request))(t)
			s.Equal(t, got, &adminv1.AddIAMMemberResponse{Details: details(changes, i.ID)})
			_, err := c.Admin.AddIAMMember(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "member.exists")
		})
	})
}

func TestUpdateIAMMember(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 2
			id := i.NewMachine(t, c.Name("robot"))
			added := servertest.OK(c.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER"}}))(t)
			request := &adminv1.UpdateIAMMemberRequest{UserId: id, Roles: []string{"IAM_USER_MANAGER", "IAM_ORG_MANAGER", "IAM_USER_MANAGER"}}
			got := servertest.OK(c.Admin.UpdateIAMMember(t.Context(), request))(t)
			s.Equal(t, got, &adminv1.UpdateIAMMemberResponse{Details: details(changes, i.ID)})
			if !got.GetDetails().GetCreationDate().AsTime().Equal(added.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the update moved the time of creation")
			}
			_, err := c.Admin.UpdateIAMMember(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		})
	})
}

func TestRemoveIAMMember(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 2
			id := i.NewMachine(t, c.Name("robot"))
			servertest.OK(c.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
			viewer := i.NewToken(t, id)
			servertest.OK(viewer.Admin.GetMyInstance(t.Context(), nil))(t)
			got := servertest.OK(c.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: id}))(t)
			s.Equal(t, got, &adminv1.RemoveIAMMemberResponse{Details: details(changes, i.ID)})
			_, err := c.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: id})
			servertest.Refused(t, err, connect.CodeNotFound, "member.unknown")
			_, err = viewer.Admin.GetMyInstance(t.Context(), nil)
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		})
	})
}

func TestListIAMMembers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{}))(t)
			s.Equal(t, got, &adminv1.ListIAMMembersResponse{
				Details: &zitadelv1.ListDetails{TotalResult: 1},
				Result: []*memberv1.Member{{
					UserId: i.OwnerID, Details: details(7, i.ID), Roles: []string{"IAM_OWNER"},
					PreferredLoginName: "owner", DisplayName: "Owner",
					UserType: userv1.Type_TYPE_MACHINE, UserResourceOwner: i.OrganizationID,
				}},
			})
			_, err := c.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{Queries: []*memberv1.SearchQuery{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}

func TestListIAMMemberRoles(t *testing.T) {
	roles := []string{
		"IAM_ADMIN_IMPERSONATOR", "IAM_END_USER_IMPERSONATOR", "IAM_LOGIN_CLIENT", "IAM_ORG_MANAGER",
		"IAM_OWNER", "IAM_OWNER_VIEWER", "IAM_USER_MANAGER",
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		nobody := i.NewToken(t, i.NewMachine(t, "nobody"))
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListIAMMemberRoles(t.Context(), &adminv1.ListIAMMemberRolesRequest{}))(t)
			s.Equal(t, got, &adminv1.ListIAMMemberRolesResponse{Details: &zitadelv1.ListDetails{TotalResult: uint64(len(roles))}, Roles: roles})
		})
		nobody.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Admin.ListIAMMemberRoles(t.Context(), &adminv1.ListIAMMemberRolesRequest{})
			servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		})
	})
}

func add(t *testing.T, c *servertest.Caller, id string, roles ...string) error {
	_, err := c.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: roles})
	return err
}

func update(t *testing.T, c *servertest.Caller, id string, roles ...string) error {
	_, err := c.Admin.UpdateIAMMember(t.Context(), &adminv1.UpdateIAMMemberRequest{UserId: id, Roles: roles})
	return err
}

// Who may write members gives the roles of the level, but an OWNER's or
// impersonator's only as an OWNER.
func TestWhoGivesRoles(t *testing.T) {
	const denied = "member.role_denied"
	system := servertest.NewSystemUser(t, "system-owner", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_OWNER"}})
	login := servertest.NewSystemUser(t, "login", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_LOGIN_CLIENT"}})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		writer, robot := i.NewMachine(t, "writer"), i.NewMachine(t, "robot")
		if err := add(t, i.Owner, writer, "IAM_LOGIN_CLIENT"); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]*servertest.Caller{"user": i.NewToken(t, writer), "system user": s.AsSystemUser(t, login).On(i.Domain)} {
			t.Run(name, func(t *testing.T) {
				for _, role := range []string{"IAM_OWNER", "IAM_ADMIN_IMPERSONATOR", "IAM_END_USER_IMPERSONATOR"} {
					servertest.Refused(t, add(t, c, robot, "IAM_OWNER_VIEWER", role), connect.CodePermissionDenied, denied)
				}
				servertest.Refused(t, update(t, c, writer, "IAM_LOGIN_CLIENT", "IAM_OWNER"), connect.CodePermissionDenied, denied)
				// Nor may one take from an owner what one may not give.
				servertest.Refused(t, update(t, c, i.OwnerID, "IAM_OWNER_VIEWER"), connect.CodePermissionDenied, denied)
				_, err := c.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: i.OwnerID})
				servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
				id := i.NewMachine(t, "of "+name)
				if err := add(t, c, id, "IAM_OWNER_VIEWER"); err != nil {
					t.Error(err)
				}
				if err := update(t, c, id, "IAM_USER_MANAGER"); err != nil {
					t.Error(err)
				}
			})
		}
		if err := add(t, s.AsSystemUser(t, system).On(i.Domain), robot, "IAM_OWNER", "IAM_ADMIN_IMPERSONATOR"); err != nil {
			t.Error(err)
		}
		servertest.Refused(t, add(t, s.AsSystem(t).On(i.Domain), robot, "IAM_OWNER"), connect.CodePermissionDenied, "auth.permission_missing")
	}, system.Option, login.Option)
}

func TestMemberRefusals(t *testing.T) {
	const unknownRole = "member.role_unknown"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		robot, stranger := i.NewMachine(t, "robot"), i.NewMachine(t, "stranger")
		if err := add(t, i.Owner, robot, "IAM_LOGIN_CLIENT"); err != nil {
			t.Fatal(err)
		}
		for name, refused := range map[string]struct {
			err  error
			code connect.Code
			id   string
		}{
			"no role":          {add(t, i.Owner, stranger), connect.CodeInvalidArgument, "member.roles_missing"},
			"empty role":       {add(t, i.Owner, stranger, ""), connect.CodeInvalidArgument, unknownRole},
			"another level's":  {add(t, i.Owner, stranger, "ORG_OWNER"), connect.CodeInvalidArgument, unknownRole},
			"no such":          {add(t, i.Owner, stranger, "IAM_NOBODY"), connect.CodeInvalidArgument, unknownRole},
			"update, none":     {update(t, i.Owner, robot), connect.CodeInvalidArgument, "member.roles_missing"},
			"update, the same": {update(t, i.Owner, robot, "IAM_LOGIN_CLIENT", "IAM_LOGIN_CLIENT"), connect.CodeFailedPrecondition, "object.unchanged"},
			"no member":        {update(t, i.Owner, stranger, "IAM_OWNER"), connect.CodeNotFound, "member.unknown"},
			"no user":          {add(t, i.Owner, "unknown", "IAM_OWNER"), connect.CodeNotFound, "user.unknown"},
			"of another":       {add(t, i.Owner, other.OwnerID, "IAM_OWNER"), connect.CodeNotFound, "user.unknown"},
			"another's member": {update(t, i.Owner, other.OwnerID, "IAM_OWNER_VIEWER"), connect.CodeNotFound, "user.unknown"},
			"long id":          {add(t, i.Owner, strings.Repeat("1", 201), "IAM_OWNER"), connect.CodeInvalidArgument, "request.invalid"},
		} {
			t.Run(name, func(t *testing.T) { servertest.Refused(t, refused.err, refused.code, refused.id) })
		}
	})
}

// A list knows how far it has read: nothing that was answered is missing, and
// what happens in other instances does not count.
func TestProcessedSequence(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		var positions []uint64
		read := func() {
			positions = append(positions, servertest.OK(i.Owner.Admin.ListIAMMembers(t.Context(), nil))(t).GetDetails().GetProcessedSequence())
		}
		read()
		i.NewMachine(t, "robot")
		read()
		other.NewMachine(t, "robot")
		read()
		if positions[0] >= positions[1] || positions[1] != positions[2] {
			t.Errorf("the positions are %v", positions)
		}
	})
}
