package admin_test

import (
	"fmt"
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// crowd gives the instance n members, and returns the ids of all.
func crowd(t *testing.T, i servertest.Tenant, n int) []string {
	t.Helper()
	all := []string{i.OwnerID}
	for k := range n {
		id := fmt.Sprintf("member-%c-%d", 'a'+k*7%26, k) // neither in the order of creation nor against it
		servertest.OK(i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: id, Name: id, UserId: &id}))(t)
		if err := add(t, i.Owner, id, "IAM_OWNER_VIEWER"); err != nil {
			t.Fatal(err)
		}
		all = append(all, id)
	}
	return all
}

func remove(t *testing.T, c *servertest.Caller, id string) {
	t.Helper()
	servertest.OK(c.Admin.RemoveIAMMember(t.Context(), &adminv1.RemoveIAMMemberRequest{UserId: id}))(t)
}

// What stays in a list is on exactly one of its pages, and in its order, also
// when rows before, on and behind the page come and go.
func TestPagesOfMembers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		all := crowd(t, i, 40)
		guests := all[len(all)-4:] // who come and go
		for column := range memberv1.MemberFieldColumnName(len(memberv1.MemberFieldColumnName_name)) {
			for _, ascending := range []bool{true, false} {
				request := &adminv1.ListIAMMembersRequest{Query: &zitadelv1.ListQuery{Asc: ascending}, SortingColumn: column}
				stay := func(ids []string) []string {
					return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(guests, id) })
				}
				want := stay(ids(servertest.OK(i.Owner.Admin.ListIAMMembers(t.Context(), request))(t).GetResult()))
				request.Query.Limit = 7
				var got []string
				pages := 0
				i.Owner.EachPage(t, func(c *servertest.Caller) {
					answer := servertest.OK(c.Admin.ListIAMMembers(t.Context(), request))(t)
					got = append(got, ids(answer.GetResult())...)
					if total := answer.GetDetails().GetTotalResult(); total != uint64(len(all)-pages%2) {
						t.Errorf("%s: %d members in all on page %d", column, total, pages)
					}
					guest := guests[pages/2%len(guests)]
					if pages++; pages%2 == 1 {
						remove(t, i.Owner, guest)
					} else if err := add(t, i.Owner, guest, "IAM_OWNER_VIEWER"); err != nil {
						t.Fatal(err)
					}
				})
				if pages%2 == 1 { // the last one to leave comes back
					if err := add(t, i.Owner, guests[pages/2%len(guests)], "IAM_OWNER_VIEWER"); err != nil {
						t.Fatal(err)
					}
				}
				if got = stay(got); !slices.Equal(got, want) || len(want) != len(all)-len(guests) || pages < 6 {
					t.Errorf("%s, ascending %t: on %d pages got %v, want %v", column, ascending, pages, got, want)
				}
			}
		}
	})
}

// Page tokens travel in every protocol, and are good for the same list only.
func TestPageTokens(t *testing.T) {
	const refused = "list.page_token"
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		crowd(t, i, 6)
		crowd(t, other, 6)
		list := func(c *servertest.Caller, q *zitadelv1.ListQuery, queries ...*memberv1.SearchQuery) ([]string, error) {
			answer, err := c.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{Query: q, Queries: queries})
			return ids(answer.GetResult()), err
		}
		whole := servertest.OK(list(i.Owner, nil))(t)
		if token := i.Owner.NextPageToken(); token != "" {
			t.Errorf("a list that is over goes on at %q", token)
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			first := servertest.OK(list(c, &zitadelv1.ListQuery{Limit: 3, Offset: 1}))(t)
			page := c.Page(c.NextPageToken())
			second := servertest.OK(list(page, &zitadelv1.ListQuery{Limit: 2}))(t)
			third := servertest.OK(list(c.Page(page.NextPageToken()), nil))(t)
			if got := [][]string{first, second, third}; !slices.EqualFunc(got, [][]string{whole[1:4], whole[4:6], whole[6:]}, slices.Equal) {
				t.Errorf("got %v of %v", got, whole)
			}
			_, err := list(c.Page("AQ"), &zitadelv1.ListQuery{})
			servertest.Refused(t, err, connect.CodeInvalidArgument, refused)
		})
		servertest.OK(list(i.Owner, &zitadelv1.ListQuery{Limit: 2}))(t)
		token := i.Owner.NextPageToken()
		page := i.Owner.Page(token)
		for name, call := range map[string]func() ([]string, error){
			"cut":              func() ([]string, error) { return list(i.Owner.Page(token[:len(token)-4]), nil) },
			"forged":           func() ([]string, error) { return list(i.Owner.Page("AQ"+token), nil) },
			"other direction":  func() ([]string, error) { return list(page, &zitadelv1.ListQuery{Asc: true}) },
			"another query":    func() ([]string, error) { return list(page, nil, byUser(i.OwnerID)) },
			"another instance": func() ([]string, error) { return list(other.Owner.Page(token), nil) },
			"other order": func() ([]string, error) {
				_, err := page.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{SortingColumn: memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_USER_ID})
				return nil, err
			},
			"another list": func() ([]string, error) {
				_, err := page.Admin.ListInstanceDomains(t.Context(), &adminv1.ListInstanceDomainsRequest{})
				return nil, err
			},
			"no pages": func() ([]string, error) {
				_, err := page.Admin.ListIAMMemberRoles(t.Context(), &adminv1.ListIAMMemberRolesRequest{})
				return nil, err
			},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := call()
				servertest.Refused(t, err, connect.CodeInvalidArgument, refused)
			})
		}
		_, err := list(page, &zitadelv1.ListQuery{Offset: 1})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.page_offset")
		_, err = list(page.Page(token), nil)
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.header_repeated")
		_, err = list(page, &zitadelv1.ListQuery{Limit: 1001})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		s.Restart(t)
		if got := servertest.OK(list(s.As(i.OwnerToken).On(i.Domain).Page(token), nil))(t); !slices.Equal(got, whole[2:]) {
			t.Errorf("after a restart got %v", got)
		}
	})
}
