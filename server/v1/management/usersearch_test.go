package management_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// names are user names that databases like to take for something else.
var names = []string{"100%", "a_b", `a\b`, "Straße", "GROẞ", "İzmir", "Jose\u0301", "A\u030angström", "日本語", "a@b", "'; --"}

// crowd makes an instance with people of these names. The login names of the
// second half end with each of two domains.
func crowd(t *testing.T, s *servertest.Server) servertest.Tenant {
	t.Helper()
	i := s.NewInstance(t, "acme")
	giveDomain(t, s, i, "second.example", "true")
	giveDomain(t, s, i, "unproved.example", "false")
	for n, name := range names {
		if n == len(names)/2 {
			mustBeDomain(t, s, i)
		}
		last := len(names) - 1
		servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
			UserName: name,
			Profile: &managementv1.ImportHumanUserRequest_Profile{
				FirstName: names[last-n], LastName: names[(n+1)%len(names)], NickName: names[(n+2)%len(names)], DisplayName: names[(n+3)%len(names)],
			},
			Email: &managementv1.ImportHumanUserRequest_Email{Email: fmt.Sprintf("%c_%d%%@Example.com", 'a'+n, n%3)},
		}))(t)
	}
	return i
}

type method = zitadelv1.TextQueryMethod

// one returns the text of a query.
func one(text func(*userv1.User) string) func(*userv1.User) []string {
	return func(u *userv1.User) []string { return []string{text(u)} }
}

// userTexts makes a query by a text, and tells which texts of a user that are.
var userTexts = map[string]struct {
	query func(needle string, m method) *userv1.SearchQuery
	texts func(*userv1.User) []string
}{
	"user name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_UserNameQuery{UserNameQuery: &userv1.UserNameQuery{UserName: needle, Method: m}}}
	}, one((*userv1.User).GetUserName)},
	"first name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_FirstNameQuery{FirstNameQuery: &userv1.FirstNameQuery{FirstName: needle, Method: m}}}
	}, one(func(u *userv1.User) string { return u.GetHuman().GetProfile().GetFirstName() })},
	"last name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_LastNameQuery{LastNameQuery: &userv1.LastNameQuery{LastName: needle, Method: m}}}
	}, one(func(u *userv1.User) string { return u.GetHuman().GetProfile().GetLastName() })},
	"nick name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_NickNameQuery{NickNameQuery: &userv1.NickNameQuery{NickName: needle, Method: m}}}
	}, one(func(u *userv1.User) string { return u.GetHuman().GetProfile().GetNickName() })},
	"display name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_DisplayNameQuery{DisplayNameQuery: &userv1.DisplayNameQuery{DisplayName: needle, Method: m}}}
	}, one(func(u *userv1.User) string {
		return u.GetHuman().GetProfile().GetDisplayName() + u.GetMachine().GetName()
	})},
	"e-mail": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_EmailQuery{EmailQuery: &userv1.EmailQuery{EmailAddress: needle, Method: m}}}
	}, one(func(u *userv1.User) string { return u.GetHuman().GetEmail().GetEmail() })},
	"login name": {func(needle string, m method) *userv1.SearchQuery {
		return &userv1.SearchQuery{Query: &userv1.SearchQuery_LoginNameQuery{LoginNameQuery: &userv1.LoginNameQuery{LoginName: needle, Method: m}}}
	}, (*userv1.User).GetLoginNames},
}

// textMatches says what a method means: the methods of the contract come in pairs,
// the second without regard to case.
func textMatches(m method, text, needle string) bool {
	text, needle = norm.NFC.String(text), norm.NFC.String(needle)
	if m%2 == 1 {
		text, needle = norm.NFC.String(cases.Fold().String(text)), norm.NFC.String(cases.Fold().String(needle))
	}
	compare := []func(string, string) bool{
		func(a, b string) bool { return a == b }, strings.HasPrefix, strings.Contains, strings.HasSuffix,
	}
	return compare[m/2](text, needle)
}

// find returns the users that match all queries, oldest first.
func find(t *testing.T, c *servertest.Caller, queries ...*userv1.SearchQuery) []*userv1.User {
	t.Helper()
	answer := servertest.OK(c.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{
		Query: &zitadelv1.ListQuery{Asc: true}, Queries: queries,
	}))(t)
	if total := answer.GetDetails().GetTotalResult(); total != uint64(len(answer.GetResult())) {
		t.Errorf("%d users of %d", len(answer.GetResult()), total)
	}
	return answer.GetResult()
}

func userNames(users []*userv1.User) (all []string) {
	for _, u := range users {
		all = append(all, u.GetUserName())
	}
	return all
}

func TestSearchUsersByText(t *testing.T) {
	needles := append([]string{
		"", "%", "_", `\`, "@", "%@", "b@", "strasse", "ẞ", "ss", "groß", "i\u0307", "e", "\u00c5NGSTRÖM", "Owner", "0%@Example.com", "a_0%@EXAMPLE.com",
		"İzmir@second.example", "JOSÉ@ACME.acme.test", "@Second.example", "@unproved.example", "second.EXAMPLE", "本語@", "b@acme.acme.test", "\u0301@", "--@second",
	}, names...)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := crowd(t, s)
		all := find(t, i.Owner)
		if len(all) != len(names)+1 || len(all[1].GetLoginNames()) != 1 || len(all[len(names)].GetLoginNames()) != 2 {
			t.Fatalf("the users are %v", all)
		}
		for name, by := range userTexts {
			for _, needle := range needles {
				for m := range method(len(zitadelv1.TextQueryMethod_name)) {
					var want []string
					for _, u := range all {
						if slices.ContainsFunc(by.texts(u), func(text string) bool { return textMatches(m, text, needle) }) {
							want = append(want, u.GetUserName())
						}
					}
					if got := userNames(find(t, i.Owner, by.query(needle, m))); !slices.Equal(got, want) {
						t.Errorf("%s %s %q: got %q, want %q", name, m, needle, got, want)
					}
				}
			}
		}
	})
}

// What users are asked for but by texts.
func byName(name string) *userv1.SearchQuery {
	return userTexts["user name"].query(name, zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_EQUALS)
}

func anything() *userv1.SearchQuery {
	return userTexts["user name"].query("", zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS)
}

func anyOf(queries ...*userv1.SearchQuery) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_OrQuery{OrQuery: &userv1.OrQuery{Queries: queries}}}
}

func allOf(queries ...*userv1.SearchQuery) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_AndQuery{AndQuery: &userv1.AndQuery{Queries: queries}}}
}

func not(query *userv1.SearchQuery) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_NotQuery{NotQuery: &userv1.NotQuery{Query: query}}}
}

func inState(state userv1.UserState) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_StateQuery{StateQuery: &userv1.StateQuery{State: state}}}
}

func ofType(kind userv1.Type) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_TypeQuery{TypeQuery: &userv1.TypeQuery{Type: kind}}}
}

func withID(ids ...string) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_InUserIdsQuery{InUserIdsQuery: &userv1.InUserIDQuery{UserIds: ids}}}
}

func withEmail(emails ...string) *userv1.SearchQuery {
	return &userv1.SearchQuery{Query: &userv1.SearchQuery_InUserEmailsQuery{InUserEmailsQuery: &userv1.InUserEmailsQuery{UserEmails: emails}}}
}

func TestSearchUsers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		ada, robot, off := i.NewHuman(t, "ada"), i.NewMachine(t, "robot"), i.NewMachine(t, "off")
		servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), person("new")))(t)
		servertest.OK(i.Owner.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: off}))(t)
		servertest.OK(i.Owner.Management.LockUser(t.Context(), &managementv1.LockUserRequest{Id: robot}))(t)
		all := []string{"owner", "ada", "robot", "off", "new"}
		many := slices.Repeat([]string{"x"}, 1000)
		for name, test := range map[string]struct {
			queries []*userv1.SearchQuery
			want    []string
		}{
			"all":                     {nil, all},
			"active":                  {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_ACTIVE)}, []string{"owner", "ada"}},
			"inactive":                {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_INACTIVE)}, []string{"off"}},
			"locked":                  {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_LOCKED)}, []string{"robot"}},
			"initial":                 {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_INITIAL)}, []string{"new"}},
			"deleted":                 {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_DELETED)}, nil},
			"not deleted":             {[]*userv1.SearchQuery{not(inState(userv1.UserState_USER_STATE_DELETED))}, all},
			"without a state":         {[]*userv1.SearchQuery{inState(userv1.UserState_USER_STATE_UNSPECIFIED)}, nil},
			"people":                  {[]*userv1.SearchQuery{ofType(userv1.Type_TYPE_HUMAN)}, []string{"ada", "new"}},
			"machines":                {[]*userv1.SearchQuery{ofType(userv1.Type_TYPE_MACHINE)}, []string{"owner", "robot", "off"}},
			"without a type":          {[]*userv1.SearchQuery{ofType(userv1.Type_TYPE_UNSPECIFIED)}, nil},
			"ids":                     {[]*userv1.SearchQuery{withID(robot, ada, other.OwnerID, "unknown", "", `"`)}, []string{"ada", "robot"}},
			"no ids":                  {[]*userv1.SearchQuery{withID()}, nil},
			"as many ids as allowed":  {slices.Repeat([]*userv1.SearchQuery{not(withID(many...))}, 20), all},
			"e-mails":                 {[]*userv1.SearchQuery{withEmail("ada@example.com", "ada@", "NEW@example.com")}, []string{"ada", "new"}},
			"e-mails of another case": {[]*userv1.SearchQuery{withEmail("ADA@example.com")}, nil},
			"two at once":             {[]*userv1.SearchQuery{byName("ada"), byName("robot")}, nil},
			"one of two":              {[]*userv1.SearchQuery{anyOf(byName("ada"), byName("robot"))}, []string{"ada", "robot"}},
			"one of one":              {[]*userv1.SearchQuery{anyOf(byName("ada"))}, []string{"ada"}},
			"both":                    {[]*userv1.SearchQuery{allOf(ofType(userv1.Type_TYPE_HUMAN), byName("ada"))}, []string{"ada"}},
			"neither":                 {[]*userv1.SearchQuery{not(anyOf(byName("ada"), byName("robot")))}, []string{"owner", "off", "new"}},
			"not both":                {[]*userv1.SearchQuery{not(allOf(ofType(userv1.Type_TYPE_HUMAN), byName("ada")))}, []string{"owner", "robot", "off", "new"}},
			"anybody":                 {[]*userv1.SearchQuery{anything()}, all},
			"not anybody":             {[]*userv1.SearchQuery{not(anything())}, nil},
			"anybody or ada":          {[]*userv1.SearchQuery{anyOf(byName("ada"), anything())}, all},
			"five deep": {[]*userv1.SearchQuery{
				not(anyOf(allOf(not(byName("ada")), ofType(userv1.Type_TYPE_HUMAN)), byName("owner"))),
			}, []string{"ada", "robot", "off"}},
			"a hundred": {slices.Repeat([]*userv1.SearchQuery{anyOf(byName("x"), byName("y"), byName("z"), byName("ada"))}, 20), []string{"ada"}},
		} {
			if got := userNames(find(t, i.Owner, test.queries...)); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
		}
		deep := byName("ada")
		for range 5 {
			deep = not(deep)
		}
		deeper := deep
		for range 4000 {
			deeper = allOf(deeper)
		}
		for name, refused := range map[string]struct {
			queries []*userv1.SearchQuery
			id      string
		}{
			"six deep":        {[]*userv1.SearchQuery{deep}, "list.queries_deep"},
			"a hundred and 1": {append(slices.Repeat([]*userv1.SearchQuery{anyOf(slices.Repeat([]*userv1.SearchQuery{byName("x")}, 19)...)}, 5), byName("x")), "list.queries_many"},
			"21":              {slices.Repeat([]*userv1.SearchQuery{byName("x")}, 21), "request.invalid"},
			"of nothing":      {[]*userv1.SearchQuery{anyOf()}, "request.invalid"},
			"all of nothing":  {[]*userv1.SearchQuery{allOf()}, "request.invalid"},
			"not nothing":     {[]*userv1.SearchQuery{not(nil)}, "request.invalid"},
			"no kind within":  {[]*userv1.SearchQuery{not(&userv1.SearchQuery{})}, "request.invalid"},
			"1001 ids":        {[]*userv1.SearchQuery{withID(append(many, "x")...)}, "request.invalid"},
		} {
			_, err := i.Owner.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Queries: refused.queries})
			if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "queries") {
				t.Errorf("%s: %v", name, err)
			}
			servertest.Refused(t, err, connect.CodeInvalidArgument, refused.id)
		}
		_, err := i.Owner.Via(servertest.GRPC).Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Queries: []*userv1.SearchQuery{deeper}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.queries_deep")
	})
}

func TestSortUsers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		for n, name := range []string{"b", "Ä", "a", "C"} {
			request := person(name)
			request.Profile = &managementv1.ImportHumanUserRequest_Profile{FirstName: "f" + name, LastName: "l" + name, NickName: "n" + name, DisplayName: "d" + name}
			request.Email.Email = fmt.Sprint(9-n, "@example.com")
			id := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), request))(t).GetUserId()
			if n == 1 {
				servertest.OK(i.Owner.Management.LockUser(t.Context(), &managementv1.LockUserRequest{Id: id}))(t)
			}
			if n == 2 {
				servertest.OK(i.Owner.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: id}))(t)
			}
		}
		created, named := []string{"owner", "b", "Ä", "a", "C"}, []string{"a", "b", "C", "owner", "Ä"}
		texts := []string{"owner", "a", "b", "C", "Ä"} // a machine has none of them
		for column, want := range map[userv1.UserFieldName][]string{
			userv1.UserFieldName_USER_FIELD_NAME_UNSPECIFIED:   created,
			userv1.UserFieldName_USER_FIELD_NAME_CREATION_DATE: created,
			userv1.UserFieldName_USER_FIELD_NAME_USER_NAME:     named,
			userv1.UserFieldName_USER_FIELD_NAME_FIRST_NAME:    texts,
			userv1.UserFieldName_USER_FIELD_NAME_LAST_NAME:     texts,
			userv1.UserFieldName_USER_FIELD_NAME_NICK_NAME:     texts,
			userv1.UserFieldName_USER_FIELD_NAME_DISPLAY_NAME:  {"a", "b", "C", "Ä", "owner"},
			userv1.UserFieldName_USER_FIELD_NAME_EMAIL:         {"owner", "C", "a", "Ä", "b"},
			userv1.UserFieldName_USER_FIELD_NAME_STATE:         {"owner", "a", "Ä", "b", "C"},
			userv1.UserFieldName_USER_FIELD_NAME_TYPE:          {"b", "Ä", "a", "C", "owner"},
		} {
			for _, ascending := range []bool{true, false} {
				list := func(offset uint64, limit uint32) []string {
					answer := servertest.OK(i.Owner.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{
						Query: &zitadelv1.ListQuery{Asc: ascending, Offset: offset, Limit: limit}, SortingColumn: column,
					}))(t)
					if answer.GetDetails().GetTotalResult() != 5 {
						t.Errorf("%s: %d users in all", column, answer.GetDetails().GetTotalResult())
					}
					return userNames(answer.GetResult())
				}
				ordered := slices.Clone(want)
				if !ascending {
					slices.Reverse(ordered)
				}
				pages := slices.Concat(list(0, 2), list(2, 2), list(4, 2))
				if whole := list(0, 1000); !slices.Equal(whole, ordered) || !slices.Equal(pages, ordered) {
					t.Errorf("%s, ascending %t: got %q, in pages %q, want %q", column, ascending, whole, pages, ordered)
				}
				if past := list(math.MaxUint64, 3); len(past) > 0 {
					t.Errorf("%s: past the end there are %q", column, past)
				}
			}
		}
		_, err := i.Owner.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Query: &zitadelv1.ListQuery{Limit: 1001}})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
	})
}
