package admin_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// texts are names that databases like to take for something else.
var texts = []string{
	"100%", "100x", "a_b", "axb", `a\b`, `a\\b`, "'; --",
	"Straße", "STRASSE", "GROẞ", "İzmir", "izmir", "ıssız", "Jose\u0301", "Ångström", "A\u030angstro\u0308m", "日本語", "🙂",
}

// needles are what is searched for in them.
var needles = append([]string{
	"", "%", "_", `\`, "100%", "_b", "A_B", "strasse", "STRAẞE", "ß", "ẞ", "ss", "groß", "i", "I", "ı", "İ", "i\u0307",
	"JOSÉ", "José", "e", "ångström", "å", "本", "🙂", "nobody",
}, texts...)

// population makes an instance whose members are people with these names, and
// its owner, who is a machine without any.
func population(t *testing.T, s *servertest.Server) servertest.Tenant {
	t.Helper()
	i := s.NewInstance(t, "acme")
	for n, text := range texts {
		id := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
			UserName: fmt.Sprint("user", n),
			Profile:  &managementv1.ImportHumanUserRequest_Profile{FirstName: text, LastName: texts[len(texts)-1-n]},
			Email:    &managementv1.ImportHumanUserRequest_Email{Email: fmt.Sprintf("%c_%d%%@Example.com", 'a'+n, n%3)},
		}))(t).GetUserId()
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
	}
	return i
}

// textQuery makes a query by a text, and tells which text of a member that is.
type textQuery struct {
	query func(needle string, method zitadelv1.TextQueryMethod) *memberv1.SearchQuery
	text  func(*memberv1.Member) string
}

var textQueries = map[string]textQuery{
	"first name": {func(needle string, method zitadelv1.TextQueryMethod) *memberv1.SearchQuery {
		return &memberv1.SearchQuery{Query: &memberv1.SearchQuery_FirstNameQuery{FirstNameQuery: &memberv1.FirstNameQuery{FirstName: needle, Method: method}}}
	}, (*memberv1.Member).GetFirstName},
	"last name": {func(needle string, method zitadelv1.TextQueryMethod) *memberv1.SearchQuery {
		return &memberv1.SearchQuery{Query: &memberv1.SearchQuery_LastNameQuery{LastNameQuery: &memberv1.LastNameQuery{LastName: needle, Method: method}}}
	}, (*memberv1.Member).GetLastName},
	"e-mail": {func(needle string, method zitadelv1.TextQueryMethod) *memberv1.SearchQuery {
		return &memberv1.SearchQuery{Query: &memberv1.SearchQuery_EmailQuery{EmailQuery: &memberv1.EmailQuery{Email: needle, Method: method}}}
	}, (*memberv1.Member).GetEmail},
}

// matches says what a method means: the methods of the contract come in pairs,
// the second without regard to case.
func matches(method zitadelv1.TextQueryMethod, text, needle string) bool {
	text, needle = norm.NFC.String(text), norm.NFC.String(needle)
	if method%2 == 1 {
		text, needle = norm.NFC.String(cases.Fold().String(text)), norm.NFC.String(cases.Fold().String(needle))
	}
	compare := []func(string, string) bool{
		func(a, b string) bool { return a == b }, strings.HasPrefix, strings.Contains, strings.HasSuffix,
	}
	return compare[method/2](text, needle)
}

// find returns the members that match, oldest first.
func find(t *testing.T, c *servertest.Caller, queries ...*memberv1.SearchQuery) []*memberv1.Member {
	t.Helper()
	answer := servertest.OK(c.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{
		Query: &zitadelv1.ListQuery{Asc: true}, Queries: queries,
	}))(t)
	if total := answer.GetDetails().GetTotalResult(); total != uint64(len(answer.GetResult())) {
		t.Errorf("%d members of %d", len(answer.GetResult()), total)
	}
	return answer.GetResult()
}

func ids(members []*memberv1.Member) []string {
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m.GetUserId()
	}
	return all
}

func TestSearchMembersByText(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := population(t, s)
		all := find(t, i.Owner)
		if len(all) != len(texts)+1 {
			t.Fatalf("there are %d members", len(all))
		}
		for name, by := range textQueries {
			for _, needle := range append([]string{"@example.COM", "a_0%@Example.com", "0%@", "B_"}, needles...) {
				for method := range zitadelv1.TextQueryMethod(len(zitadelv1.TextQueryMethod_name)) {
					var want []*memberv1.Member
					for _, m := range all {
						if matches(method, by.text(m), needle) {
							want = append(want, m)
						}
					}
					if got := find(t, i.Owner, by.query(needle, method)); !slices.Equal(ids(got), ids(want)) {
						t.Errorf("%s %s %q: got %d members, want %d", name, method, needle, len(got), len(want))
					}
				}
			}
		}
	})
}

// What the methods mean where it is easy to be mistaken, without computing it.
func TestSearchMeans(t *testing.T) {
	const (
		equals     = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS
		ignoring   = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE
		contains   = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS
		containing = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE
	)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := population(t, s)
		for _, test := range []struct {
			needle string
			method zitadelv1.TextQueryMethod
			want   []string // empty is the name of the machine
		}{
			{"", equals, []string{""}},
			{"%", contains, []string{"100%"}},
			{"_", contains, []string{"a_b"}},
			{`\`, contains, []string{`a\b`, `a\\b`}},
			{`\\`, contains, []string{`a\\b`}},
			{"strasse", ignoring, []string{"Straße", "STRASSE"}},
			{"STRAẞE", ignoring, []string{"Straße", "STRASSE"}},
			{"ß", contains, []string{"Straße"}},
			{"ss", containing, []string{"Straße", "STRASSE", "GROẞ", "ıssız"}},
			{"groß", ignoring, []string{"GROẞ"}},
			{"i̇zmir", ignoring, []string{"İzmir"}},
			{"IZMIR", ignoring, []string{"izmir"}},
			{"ISSIZ", ignoring, nil},
			{"Jos\u00e9", equals, []string{"Jos\u00e9"}},
			{"JOSE\u0301", ignoring, []string{"Jos\u00e9"}},
			{"Jose", containing, nil},
			{"ÅNGSTRÖM", ignoring, []string{"Ångström", "Ångström"}},
			{"\u212bngstr\u00f6m", equals, []string{"Ångström", "Ångström"}}, // the sign of the unit
		} {
			var got []string
			for _, m := range find(t, i.Owner, textQueries["first name"].query(test.needle, test.method)) {
				got = append(got, m.GetFirstName())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s %q: got %q, want %q", test.method, test.needle, got, test.want)
			}
		}
	})
}

func byUser(id string) *memberv1.SearchQuery {
	return &memberv1.SearchQuery{Query: &memberv1.SearchQuery_UserIdQuery{UserIdQuery: &memberv1.UserIDQuery{UserId: id}}}
}

func TestSearchMembersByUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := population(t, s), s.NewInstance(t, "other")
		machine := textQueries["e-mail"].query("", zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS)
		for name, test := range map[string]struct {
			queries []*memberv1.SearchQuery
			want    []string
		}{
			"one":             {[]*memberv1.SearchQuery{byUser(i.OwnerID)}, []string{i.OwnerID}},
			"and its e-mail":  {[]*memberv1.SearchQuery{byUser(i.OwnerID), machine}, []string{i.OwnerID}},
			"of another":      {[]*memberv1.SearchQuery{byUser(other.OwnerID)}, nil},
			"part of an id":   {[]*memberv1.SearchQuery{byUser(i.OwnerID[:17])}, nil},
			"empty":           {[]*memberv1.SearchQuery{byUser("")}, nil},
			"two at once":     {[]*memberv1.SearchQuery{byUser(i.OwnerID), byUser(other.OwnerID)}, nil},
			"twenty the same": {slices.Repeat([]*memberv1.SearchQuery{byUser(i.OwnerID)}, 20), []string{i.OwnerID}},
		} {
			if got := ids(find(t, i.Owner, test.queries...)); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", name, got, test.want)
			}
		}
		_, err := i.Owner.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{Queries: slices.Repeat([]*memberv1.SearchQuery{machine}, 21)})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
	})
}

func TestSortMembers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for n, id := range []string{"b", "a", "ä", "B"} {
			servertest.OK(i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: fmt.Sprint("user", n), Name: id, UserId: &id}))(t)
			servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
		}
		servertest.OK(i.Owner.Admin.UpdateIAMMember(t.Context(), &adminv1.UpdateIAMMemberRequest{UserId: "a", Roles: []string{"IAM_USER_MANAGER"}}))(t)
		created := []string{i.OwnerID, "b", "a", "ä", "B"}
		for column, want := range map[memberv1.MemberFieldColumnName][]string{
			memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_UNSPECIFIED:         created,
			memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_USER_ID:             {i.OwnerID, "B", "a", "b", "ä"},
			memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_CREATION_DATE:       created,
			memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_CHANGE_DATE:         {i.OwnerID, "b", "ä", "B", "a"},
			memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_USER_RESOURCE_OWNER: created, // all of one organization
		} {
			for _, ascending := range []bool{true, false} {
				list := func(offset uint64, limit uint32) []string {
					answer := servertest.OK(i.Owner.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{
						Query: &zitadelv1.ListQuery{Asc: ascending, Offset: offset, Limit: limit}, SortingColumn: column,
					}))(t)
					if answer.GetDetails().GetTotalResult() != 5 {
						t.Errorf("%s: %d members in all", column, answer.GetDetails().GetTotalResult())
					}
					return ids(answer.GetResult())
				}
				ordered := slices.Clone(want)
				if !ascending {
					slices.Reverse(ordered)
				}
				pages := slices.Concat(list(0, 2), list(2, 2), list(4, 2))
				if whole := list(0, 1000); !slices.Equal(whole, ordered) || !slices.Equal(pages, ordered) {
					t.Errorf("%s, ascending %t: got %q, in pages %q, want %q", column, ascending, whole, pages, ordered)
				}
				for _, offset := range []uint64{5, math.MaxInt64, 1 << 63, math.MaxUint64} {
					if past := list(offset, 3); len(past) > 0 {
						t.Errorf("%s: from %d there are %q", column, offset, past)
					}
				}
			}
		}
		_, err := i.Owner.Admin.ListIAMMembers(t.Context(), &adminv1.ListIAMMembersRequest{Query: &zitadelv1.ListQuery{Limit: 1001}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
	})
}
