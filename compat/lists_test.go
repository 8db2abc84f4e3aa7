package compat

import (
	"fmt"
	"slices"
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/admin"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/management"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/object"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/user"
	"google.golang.org/grpc/codes"
)

func named(name string, method object.TextQueryMethod) *user.SearchQuery {
	return &user.SearchQuery{Query: &user.SearchQuery_DisplayNameQuery{DisplayNameQuery: &user.DisplayNameQuery{DisplayName: name, Method: method}}}
}

func withUserName(name string, method object.TextQueryMethod) *user.SearchQuery {
	return &user.SearchQuery{Query: &user.SearchQuery_UserNameQuery{UserNameQuery: &user.UserNameQuery{UserName: name, Method: method}}}
}

// A list is sorted, cut into pages and filtered as the client asks for.
func TestGoLists(t *testing.T) {
	c := asOwner(t)
	here := in(t.Context(), newOrganization(t, c, "Compat lists"))
	m := c.ManagementService()
	for i, name := range []string{"Bob", "alice", "Dora", "carol"} {
		id := ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: fmt.Sprintf("compat-list-%d", 9-i), Name: name}))(t).GetUserId()
		if name == "Dora" {
			ok(m.DeactivateUser(here, &management.DeactivateUserRequest{Id: id}))(t)
		}
	}
	list := func(q *object.ListQuery, by user.UserFieldName, queries ...*user.SearchQuery) []string {
		t.Helper()
		var names []string
		for _, u := range ok(m.ListUsers(here, &management.ListUsersRequest{Query: q, SortingColumn: by, Queries: queries}))(t).GetResult() {
			names = append(names, u.GetMachine().GetName())
		}
		return names
	}
	inactive := &user.SearchQuery{Query: &user.SearchQuery_StateQuery{StateQuery: &user.StateQuery{State: user.UserState_USER_STATE_INACTIVE}}}
	machines := &user.SearchQuery{Query: &user.SearchQuery_TypeQuery{TypeQuery: &user.TypeQuery{Type: user.Type_TYPE_MACHINE}}}
	people := &user.SearchQuery{Query: &user.SearchQuery_TypeQuery{TypeQuery: &user.TypeQuery{Type: user.Type_TYPE_HUMAN}}}
	const byDisplayName, byUserName = user.UserFieldName_USER_FIELD_NAME_DISPLAY_NAME, user.UserFieldName_USER_FIELD_NAME_USER_NAME
	up := &object.ListQuery{Asc: true}
	for name, test := range map[string]struct{ got, want []string }{
		"by name":            {list(up, byDisplayName), []string{"alice", "Bob", "carol", "Dora"}},
		"downwards":          {list(nil, byDisplayName), []string{"Dora", "carol", "Bob", "alice"}},
		"by user name":       {list(up, byUserName), []string{"carol", "Dora", "alice", "Bob"}},
		"a page":             {list(&object.ListQuery{Asc: true, Offset: 1, Limit: 2}, byDisplayName), []string{"Bob", "carol"}},
		"past the end":       {list(&object.ListQuery{Offset: 99}, byDisplayName), nil},
		"starts with":        {list(up, byDisplayName, named("Bo", object.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH)), []string{"Bob"}},
		"another case":       {list(up, byDisplayName, named("bo", object.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH)), nil},
		"whatever case":      {list(up, byDisplayName, named("O", object.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE)), []string{"Bob", "carol", "Dora"}},
		"no pattern":         {list(up, byDisplayName, named("%", object.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS)), nil},
		"by state":           {list(up, byDisplayName, inactive), []string{"Dora"}},
		"by type":            {list(up, byDisplayName, people), nil},
		"both":               {list(up, byDisplayName, machines, withUserName("-7", object.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH)), []string{"Dora"}},
		"either":             {list(up, byDisplayName, &user.SearchQuery{Query: &user.SearchQuery_OrQuery{OrQuery: &user.OrQuery{Queries: []*user.SearchQuery{inactive, named("alice", 0)}}}}), []string{"alice", "Dora"}},
		"all but":            {list(up, byDisplayName, &user.SearchQuery{Query: &user.SearchQuery_NotQuery{NotQuery: &user.NotQuery{Query: inactive}}}), []string{"alice", "Bob", "carol"}},
		"by e-mail, machine": {list(up, byDisplayName, &user.SearchQuery{Query: &user.SearchQuery_EmailQuery{EmailQuery: &user.EmailQuery{EmailAddress: "a", Method: object.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS}}}), nil},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

// A page says how many there are in all, and what is not a page is refused.
func TestGoListDetails(t *testing.T) {
	c := asOwner(t)
	here, m := in(t.Context(), newOrganization(t, c, "Compat pages")), c.ManagementService()
	for i := range 3 {
		ok(m.AddMachineUser(here, &management.AddMachineUserRequest{UserName: fmt.Sprintf("compat-page-%d", i), Name: "x"}))(t)
	}
	page := ok(m.ListUsers(here, &management.ListUsersRequest{Query: &object.ListQuery{Limit: 1}}))(t)
	if d := page.GetDetails(); len(page.GetResult()) != 1 || d.GetTotalResult() != 3 || d.GetProcessedSequence() == 0 || !d.GetViewTimestamp().IsValid() {
		t.Errorf("details: %v", d)
	}
	_, err := m.ListUsers(here, &management.ListUsersRequest{Query: &object.ListQuery{Limit: 100_000}})
	refused(t, err, codes.InvalidArgument)
	_, err = m.ListUsers(here, &management.ListUsersRequest{Queries: []*user.SearchQuery{{}}})
	refused(t, err, codes.InvalidArgument)
}

// The history shows a change as soon as it was answered.
func TestGoHistory(t *testing.T) {
	ctx, c := t.Context(), asOwner(t)
	id := newOrganization(t, c, "Compat history")
	events := ok(c.AdminService().ListEvents(ctx, &admin.ListEventsRequest{AggregateId: id, AggregateTypes: []string{"org"}, Asc: true}))(t).GetEvents()
	if len(events) == 0 || events[0].GetType().GetType() != "org.added" || events[0].GetAggregate().GetId() != id || events[0].GetEditor().GetUserId() == "" {
		t.Errorf("events: %v", events)
	}
	if got := ok(c.AdminService().ListEvents(ctx, &admin.ListEventsRequest{Limit: 5}))(t).GetEvents(); len(got) != 5 {
		t.Errorf("%d events", len(got))
	}
	changes := ok(c.ManagementService().ListOrgChanges(in(ctx, id), &management.ListOrgChangesRequest{}))(t).GetResult()
	if len(changes) == 0 || changes[len(changes)-1].GetEventType().GetKey() == "" {
		t.Errorf("changes: %v", changes)
	}
}
