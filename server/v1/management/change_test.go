package management_test

import (
	"math"
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	changev1 "github.com/bastide-id/bastide/gen/zitadel/change/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

func said(key, text string) *zitadelv1.LocalizedMessage {
	return &zitadelv1.LocalizedMessage{Key: key, LocalizedMessage: text}
}

func TestListUserChanges(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		id := i.NewMachine(t, "robot")
		i.NewToken(t, id)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ListUserChanges(t.Context(), &managementv1.ListUserChangesRequest{UserId: id}))(t)
			change := func(sequence uint64, key, text string) *changev1.Change {
				return &changev1.Change{
					EventType: said(key, text), Sequence: sequence, EditorId: i.OwnerID, EditorDisplayName: "Owner",
					ResourceOwnerId: i.OrganizationID, EditorPreferredLoginName: "owner",
				}
			}
			s.Equal(t, got, &managementv1.ListUserChangesResponse{Result: []*changev1.Change{
				change(2, "user.pat.added", "User: personal access token added"),
				change(1, "user.machine.added", "Machine user added"),
			}})
			for _, of := range []string{"unknown", other.OwnerID} {
				_, err := c.Management.ListUserChanges(t.Context(), &managementv1.ListUserChangesRequest{UserId: of})
				servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			}
		})
	})
}

func TestListOrgChanges(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		another := i.NewOrganization(t, "another")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.ListOrgChanges(t.Context(), &managementv1.ListOrgChangesRequest{Query: &changev1.ChangeQuery{Limit: 1, Asc: true}}))(t)
			s.Equal(t, got, &managementv1.ListOrgChangesResponse{Result: []*changev1.Change{{
				EventType: said("org.added", "Organization added"), Sequence: 1,
				EditorId: server.FirstSystemUser, EditorDisplayName: server.FirstSystemUser, ResourceOwnerId: i.OrganizationID,
			}}})
			// Made behind the back of the server, by nobody.
			got = servertest.OK(c.In(another).Management.ListOrgChanges(t.Context(), &managementv1.ListOrgChangesRequest{Query: &changev1.ChangeQuery{Limit: 1, Asc: true}}))(t)
			s.Equal(t, got, &managementv1.ListOrgChangesResponse{Result: []*changev1.Change{{
				EventType: said("org.added", "Organization added"), Sequence: 1, ResourceOwnerId: another,
			}}})
			_, err := c.Management.ListOrgChanges(t.Context(), &managementv1.ListOrgChangesRequest{Query: &changev1.ChangeQuery{Limit: 1001}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
	})
}

// Changes are read on behind a sequence, in either direction, from any number
// that the contract can hold.
func TestPagesOfChanges(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := i.NewMachine(t, "robot")
		for range 4 {
			i.NewToken(t, id)
		}
		for _, test := range []struct {
			query *changev1.ChangeQuery
			want  []uint64
		}{
			{nil, []uint64{5, 4, 3, 2, 1}},
			{&changev1.ChangeQuery{Asc: true}, []uint64{1, 2, 3, 4, 5}},
			{&changev1.ChangeQuery{Limit: 2}, []uint64{5, 4}},
			{&changev1.ChangeQuery{Limit: 2, Sequence: 4}, []uint64{3, 2}},
			{&changev1.ChangeQuery{Limit: 2, Sequence: 1}, nil},
			{&changev1.ChangeQuery{Limit: 2, Asc: true}, []uint64{1, 2}},
			{&changev1.ChangeQuery{Limit: 2, Sequence: 2, Asc: true}, []uint64{3, 4}},
			{&changev1.ChangeQuery{Sequence: 5, Asc: true}, nil},
			{&changev1.ChangeQuery{Sequence: math.MaxUint64, Asc: true}, nil},
			{&changev1.ChangeQuery{Sequence: math.MaxUint64, Limit: 1}, []uint64{5}},
			{&changev1.ChangeQuery{Sequence: 1 << 63, Limit: 1}, []uint64{5}},
			{&changev1.ChangeQuery{Sequence: math.MaxInt64, Limit: 1}, []uint64{5}},
		} {
			var got []uint64
			for _, change := range servertest.OK(i.Owner.Management.ListUserChanges(t.Context(), &managementv1.ListUserChangesRequest{UserId: id, Query: test.query}))(t).GetResult() {
				got = append(got, change.GetSequence())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v: got %v, want %v", test.query, got, test.want)
			}
		}
	})
}

// Who is not there any more is still known by the id, and shown by no name.
func TestEditorWhoIsGone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		editor := i.NewHuman(t, "erin")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: editor, Roles: []string{"IAM_OWNER"}}))(t)
		id := servertest.OK(i.As(t, editor).Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot", Name: "robot"}))(t).GetUserId()
		last := func() *changev1.Change {
			return servertest.OK(i.Owner.Management.ListUserChanges(t.Context(), &managementv1.ListUserChangesRequest{UserId: id}))(t).GetResult()[0]
		}
		if c := last(); c.GetEditorId() != editor || c.GetEditorDisplayName() != "erin Person" || c.GetEditorPreferredLoginName() != "erin" {
			t.Errorf("the editor is %v", c)
		}
		db := s.Open(t)
		defer db.Close()
		for _, statement := range []string{
			`DELETE FROM memberships WHERE user_pk = (SELECT id FROM users WHERE user_id = '` + editor + `')`,
			`DELETE FROM access_tokens WHERE user_pk = (SELECT id FROM users WHERE user_id = '` + editor + `')`,
			`DELETE FROM passwords WHERE user_pk = (SELECT id FROM users WHERE user_id = '` + editor + `')`,
			`DELETE FROM users WHERE user_id = '` + editor + `'`,
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if c := last(); c.GetEditorId() != editor || c.GetEditorDisplayName() != "" || c.GetEditorPreferredLoginName() != "" {
			t.Errorf("the editor is %v", c)
		}
	})
}
