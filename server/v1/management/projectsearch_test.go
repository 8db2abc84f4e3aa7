package management_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// projectTexts are names that databases like to take for something else, none
// equal to another without regard to case.
var projectTexts = []string{"100%", "a_b", "axb", `a\b`, "'; --", "Straße", "GROẞ", "İzmir", "izmir", "Jose\u0301", "日本/語", "🙂"}

// projectNeedles are what is searched for in them.
var projectNeedles = []string{"", "%", "_", `\`, "A_B", "STRASSE", "ss", "groß", "I", "JOSÉ", "e", "本/", "🙂", "nobody"}

// textMeans says what a method means: they come in pairs, the second without
// regard to case.
func textMeans(method zitadelv1.TextQueryMethod, text, needle string) bool {
	text, needle = norm.NFC.String(text), norm.NFC.String(needle)
	if method%2 == 1 {
		text, needle = norm.NFC.String(cases.Fold().String(text)), norm.NFC.String(cases.Fold().String(needle))
	}
	compare := []func(string, string) bool{
		func(a, b string) bool { return a == b }, strings.HasPrefix, strings.Contains, strings.HasSuffix,
	}
	return compare[method/2](text, needle)
}

// checkTexts checks a search with every needle and method. texts has what is
// searched in, by the id that the search returns; a thing that has several is
// found by any.
func checkTexts(t *testing.T, what string, texts map[string][]string, search func(needle string, method zitadelv1.TextQueryMethod) []string) {
	t.Helper()
	for _, needle := range projectNeedles {
		for method := range zitadelv1.TextQueryMethod(len(zitadelv1.TextQueryMethod_name)) {
			var want []string
			for _, id := range slices.Sorted(maps.Keys(texts)) {
				if slices.ContainsFunc(texts[id], func(text string) bool { return textMeans(method, text, needle) }) {
					want = append(want, id)
				}
			}
			got := search(needle, method)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s %s %q: got %v, want %v", what, method, needle, got, want)
			}
		}
	}
}

func TestSearchProjects(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c, projects, roles, displays, apps := i.Owner.Management, map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string][]string{}
		for n, text := range projectTexts {
			id := newProject(t, i.Owner, text)
			projects[id] = []string{text}
			if n > 0 {
				continue
			}
			for n, text := range projectTexts {
				key, display := norm.NFC.String(text), projectTexts[len(projectTexts)-1-n]
				servertest.OK(c.AddProjectRole(t.Context(), &managementv1.AddProjectRoleRequest{ProjectId: id, RoleKey: text, DisplayName: display}))(t)
				roles[key], displays[key] = []string{text}, []string{display}
				apps[newAPIApp(t, i.Owner, id, text)] = []string{text}
			}
		}
		first := slices.Min(slices.Collect(maps.Keys(projects)))
		checkTexts(t, "project", projects, func(needle string, method zitadelv1.TextQueryMethod) (ids []string) {
			q := &projectv1.ProjectQuery{Query: &projectv1.ProjectQuery_NameQuery{NameQuery: &projectv1.ProjectNameQuery{Name: needle, Method: method}}}
			for _, p := range servertest.OK(c.ListProjects(t.Context(), &managementv1.ListProjectsRequest{Queries: []*projectv1.ProjectQuery{q}}))(t).GetResult() {
				ids = append(ids, p.GetId())
			}
			return ids
		})
		searchRoles := func(q *projectv1.RoleQuery) (keys []string) {
			for _, r := range listRoles(t, i.Owner, first, q) {
				keys = append(keys, r.GetKey())
			}
			return keys
		}
		checkTexts(t, "role", roles, func(needle string, method zitadelv1.TextQueryMethod) []string {
			return searchRoles(&projectv1.RoleQuery{Query: &projectv1.RoleQuery_KeyQuery{KeyQuery: &projectv1.RoleKeyQuery{Key: needle, Method: method}}})
		})
		checkTexts(t, "display name", displays, func(needle string, method zitadelv1.TextQueryMethod) []string {
			return searchRoles(&projectv1.RoleQuery{Query: &projectv1.RoleQuery_DisplayNameQuery{DisplayNameQuery: &projectv1.RoleDisplayNameQuery{DisplayName: needle, Method: method}}})
		})
		checkTexts(t, "application", apps, func(needle string, method zitadelv1.TextQueryMethod) (ids []string) {
			q := &appv1.AppQuery{Query: &appv1.AppQuery_NameQuery{NameQuery: &appv1.AppNameQuery{Name: needle, Method: method}}}
			for _, a := range servertest.OK(c.ListApps(t.Context(), &managementv1.ListAppsRequest{ProjectId: first, Queries: []*appv1.AppQuery{q}}))(t).GetResult() {
				ids = append(ids, a.GetId())
			}
			return ids
		})
	})
}

// grantTexts are the queries by a text, and the text of a grant that each is
// about.
var grantTexts = map[string]struct {
	query func(string, zitadelv1.TextQueryMethod) *userv1.UserGrantQuery
	texts func(*userv1.UserGrant) []string
}{
	"role key": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_RoleKeyQuery{RoleKeyQuery: &userv1.UserGrantRoleKeyQuery{RoleKey: n, Method: m}}}
	}, (*userv1.UserGrant).GetRoleKeys},
	"user name": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_UserNameQuery{UserNameQuery: &userv1.UserGrantUserNameQuery{UserName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetUserName()} }},
	"first name": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_FirstNameQuery{FirstNameQuery: &userv1.UserGrantFirstNameQuery{FirstName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetFirstName()} }},
	"last name": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_LastNameQuery{LastNameQuery: &userv1.UserGrantLastNameQuery{LastName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetLastName()} }},
	"e-mail": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_EmailQuery{EmailQuery: &userv1.UserGrantEmailQuery{Email: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetEmail()} }},
	"display name": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_DisplayNameQuery{DisplayNameQuery: &userv1.UserGrantDisplayNameQuery{DisplayName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetDisplayName()} }},
	"organization": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_OrgNameQuery{OrgNameQuery: &userv1.UserGrantOrgNameQuery{OrgName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetOrgName()} }},
	"organization's domain": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_OrgDomainQuery{OrgDomainQuery: &userv1.UserGrantOrgDomainQuery{OrgDomain: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetOrgDomain()} }},
	"project": {func(n string, m zitadelv1.TextQueryMethod) *userv1.UserGrantQuery {
		return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_ProjectNameQuery{ProjectNameQuery: &userv1.UserGrantProjectNameQuery{ProjectName: n, Method: m}}}
	}, func(g *userv1.UserGrant) []string { return []string{g.GetProjectName()} }},
}

func TestSearchUserGrants(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		var people, projects []string
		for n, text := range projectTexts {
			other := projectTexts[len(projectTexts)-1-n]
			people = append(people, servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
				UserName: text, Profile: &managementv1.ImportHumanUserRequest_Profile{FirstName: other, LastName: text},
				Email: &managementv1.ImportHumanUserRequest_Email{Email: "a_" + string(rune('a'+n)) + "%@Example.com"},
			}))(t).GetUserId())
			projects = append(projects, newProject(t, i.Owner, other))
			addRoles(t, i.Owner, projects[n], text, "I"+text)
			addGrant(t, i.Owner, people[n], projects[n], text)
		}
		both := addGrant(t, i.Owner, people[0], projects[3], projectTexts[3], "I"+projectTexts[3])
		robot := i.NewMachine(t, "robot")
		machines := addGrant(t, i.Owner, robot, projects[3])
		find := func(queries ...*userv1.UserGrantQuery) (ids []string) {
			for _, g := range findGrants(t, i.Owner, queries...) {
				ids = append(ids, g.GetId())
			}
			return ids
		}
		all := findGrants(t, i.Owner)
		if len(all) != len(projectTexts)+2 {
			t.Fatalf("there are %d grants", len(all))
		}
		for name, by := range grantTexts {
			texts := make(map[string][]string)
			for _, g := range all {
				texts[g.GetId()] = by.texts(g)
			}
			checkTexts(t, name, texts, func(needle string, method zitadelv1.TextQueryMethod) []string { return find(by.query(needle, method)) })
		}
		for name, test := range map[string]struct {
			queries []*userv1.UserGrantQuery
			want    []string
		}{
			"user":             {[]*userv1.UserGrantQuery{grantsOf(people[0])}, []string{all[0].GetId(), both}},
			"user and project": {[]*userv1.UserGrantQuery{grantsOf(people[0]), grantsIn(projects[3])}, []string{both}},
			"unknown user":     {[]*userv1.UserGrantQuery{grantsOf("")}, nil},
			"project":          {[]*userv1.UserGrantQuery{grantsIn(projects[3])}, []string{all[3].GetId(), both, machines}},
			"one of users":     {[]*userv1.UserGrantQuery{grantsOfAny(people[0], robot, "unknown")}, []string{all[0].GetId(), both, machines}},
			"none of users":    {[]*userv1.UserGrantQuery{grantsOfAny()}, nil},
			"machines":         {[]*userv1.UserGrantQuery{grantsOfType(userv1.Type_TYPE_MACHINE)}, []string{machines}},
			"people":           {[]*userv1.UserGrantQuery{grantsOfType(userv1.Type_TYPE_HUMAN), grantsIn(projects[3])}, []string{all[3].GetId(), both}},
			"no type":          {[]*userv1.UserGrantQuery{grantsOfType(0)}, nil},
			"project grant":    {[]*userv1.UserGrantQuery{grantsBy("1")}, nil},
			"no project grant": {[]*userv1.UserGrantQuery{grantsBy(""), grantsOf(robot)}, []string{machines}},
			"with granted":     {[]*userv1.UserGrantQuery{withGranted(), grantsOf(robot)}, []string{machines}},
		} {
			if got := find(test.queries...); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", name, got, test.want)
			}
		}
	})
}

// findGrants returns the grants that match, oldest first.
func findGrants(t *testing.T, c *servertest.Caller, queries ...*userv1.UserGrantQuery) []*userv1.UserGrant {
	t.Helper()
	got := servertest.OK(c.Management.ListUserGrants(t.Context(), &managementv1.ListUserGrantRequest{Query: &zitadelv1.ListQuery{Asc: true}, Queries: queries}))(t)
	if got.GetDetails().GetTotalResult() != uint64(len(got.GetResult())) {
		t.Errorf("%d grants of %d", len(got.GetResult()), got.GetDetails().GetTotalResult())
	}
	return got.GetResult()
}

func grantsOf(user string) *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_UserIdQuery{UserIdQuery: &userv1.UserGrantUserIDQuery{UserId: user}}}
}

func grantsOfAny(users ...string) *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_InUserIdsQuery{InUserIdsQuery: &userv1.UserGrantInUserIDsQuery{InUserIds: users}}}
}

func grantsOfType(kind userv1.Type) *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_UserTypeQuery{UserTypeQuery: &userv1.UserGrantUserTypeQuery{Type: kind}}}
}

func grantsIn(project string) *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_ProjectIdQuery{ProjectIdQuery: &userv1.UserGrantProjectIDQuery{ProjectId: project}}}
}

func grantsBy(projectGrant string) *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_ProjectGrantIdQuery{ProjectGrantIdQuery: &userv1.UserGrantProjectGrantIDQuery{ProjectGrantId: projectGrant}}}
}

func withGranted() *userv1.UserGrantQuery {
	return &userv1.UserGrantQuery{Query: &userv1.UserGrantQuery_WithGrantedQuery{WithGrantedQuery: &userv1.UserGrantWithGrantedQuery{WithGranted: true}}}
}
