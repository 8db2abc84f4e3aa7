package management_test

import (
	"fmt"
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// membershipIDs tells memberships apart.
func membershipIDs(memberships []*userv1.Membership) []string {
	all := make([]string, len(memberships))
	for n, m := range memberships {
		all[n] = fmt.Sprint(m.GetIam(), m.GetOrgId(), m.GetProjectId(), m.GetProjectGrantId())
	}
	return all
}

// joiner makes a user who is a member of two organizations and of the instance,
// and returns its memberships in the order in which they began.
func joiner(t *testing.T, i servertest.Tenant) (robot, secondID string, all []*userv1.Membership) {
	t.Helper()
	secondID = i.NewOrganization(t, "Second")
	robot = i.NewMachine(t, "robot")
	must(t, addMember(t, i.Owner.In(secondID), robot, "ORG_OWNER_VIEWER"))
	must(t, addMember(t, i.Owner, robot, "ORG_USER_MANAGER", "ORG_OWNER"))
	servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: robot, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
	return robot, secondID, []*userv1.Membership{
		{
			UserId: robot, Details: details(5, secondID), Roles: []string{"ORG_OWNER_VIEWER"}, DisplayName: "Second",
			Type: &userv1.Membership_OrgId{OrgId: secondID},
		}, {
			UserId: robot, Details: details(6, i.OrganizationID), Roles: []string{"ORG_OWNER", "ORG_USER_MANAGER"}, DisplayName: "acme",
			Type: &userv1.Membership_OrgId{OrgId: i.OrganizationID},
		}, {
			UserId: robot, Details: details(8, i.ID), Roles: []string{"IAM_OWNER_VIEWER"}, DisplayName: "acme",
			Type: &userv1.Membership_Iam{Iam: true},
		},
	}
}

func TestListUserMemberships(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, secondID, all := joiner(t, i)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ListUserMemberships(t.Context(), &managementv1.ListUserMembershipsRequest{UserId: robot, Query: &zitadelv1.ListQuery{Asc: true}}))(t)
			s.Equal(t, got, &managementv1.ListUserMembershipsResponse{Details: &zitadelv1.ListDetails{TotalResult: 2}, Result: all[1:]})
			_, err := c.In(secondID).Management.ListUserMemberships(t.Context(), &managementv1.ListUserMembershipsRequest{UserId: robot})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
	})
}

func TestSearchUserMemberships(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, secondID, all := joiner(t, i)
		all = all[1:]
		org := func(id string) *userv1.MembershipQuery {
			return &userv1.MembershipQuery{Query: &userv1.MembershipQuery_OrgQuery{OrgQuery: &userv1.MembershipOrgQuery{OrgId: id}}}
		}
		iam := func(is bool) *userv1.MembershipQuery {
			return &userv1.MembershipQuery{Query: &userv1.MembershipQuery_IamQuery{IamQuery: &userv1.MembershipIAMQuery{Iam: is}}}
		}
		project := &userv1.MembershipQuery{Query: &userv1.MembershipQuery_ProjectQuery{ProjectQuery: &userv1.MembershipProjectQuery{ProjectId: secondID}}}
		granted := &userv1.MembershipQuery{Query: &userv1.MembershipQuery_ProjectGrantQuery{ProjectGrantQuery: &userv1.MembershipProjectGrantQuery{ProjectGrantId: secondID}}}
		for name, test := range map[string]struct {
			queries []*userv1.MembershipQuery
			query   *zitadelv1.ListQuery
			total   uint64
			want    []*userv1.Membership
		}{
			"newest first":       {nil, nil, 2, []*userv1.Membership{all[1], all[0]}},
			"a page":             {nil, &zitadelv1.ListQuery{Asc: true, Offset: 1, Limit: 1}, 2, all[1:]},
			"past the end":       {nil, &zitadelv1.ListQuery{Offset: 2}, 2, nil},
			"one organization":   {[]*userv1.MembershipQuery{org(i.OrganizationID)}, nil, 1, all[:1]},
			"another one":        {[]*userv1.MembershipQuery{org(secondID)}, nil, 0, nil},
			"unknown":            {[]*userv1.MembershipQuery{org("unknown")}, nil, 0, nil},
			"no id":              {[]*userv1.MembershipQuery{org("")}, nil, 0, nil},
			"the instance's id":  {[]*userv1.MembershipQuery{org(i.ID)}, nil, 0, nil},
			"instance":           {[]*userv1.MembershipQuery{iam(true)}, nil, 1, all[1:]},
			"not instance":       {[]*userv1.MembershipQuery{iam(false)}, &zitadelv1.ListQuery{Asc: true}, 1, all[:1]},
			"both":               {[]*userv1.MembershipQuery{iam(true), org(i.OrganizationID)}, nil, 0, nil},
			"project":            {[]*userv1.MembershipQuery{project}, nil, 0, nil},
			"of a project grant": {[]*userv1.MembershipQuery{granted}, nil, 0, nil},
		} {
			got := servertest.OK(i.Owner.Management.ListUserMemberships(t.Context(), &managementv1.ListUserMembershipsRequest{UserId: robot, Query: test.query, Queries: test.queries}))(t)
			if !slices.Equal(membershipIDs(got.GetResult()), membershipIDs(test.want)) || got.GetDetails().GetTotalResult() != test.total {
				t.Errorf("%s: got %v of %d, want %v of %d", name, membershipIDs(got.GetResult()), got.GetDetails().GetTotalResult(), membershipIDs(test.want), test.total)
			}
		}
		_, err := i.Owner.Management.ListUserMemberships(t.Context(), &managementv1.ListUserMembershipsRequest{UserId: robot, Queries: []*userv1.MembershipQuery{{}}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
	})
}
