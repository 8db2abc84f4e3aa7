package admin_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	eventv1 "github.com/bastide-id/bastide/gen/zitadel/event/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func events(t *testing.T, c *servertest.Caller, request *adminv1.ListEventsRequest) []*eventv1.Event {
	t.Helper()
	return servertest.OK(c.Admin.ListEvents(t.Context(), request))(t).GetEvents()
}

func eventType(name, text string) *eventv1.EventType {
	return &eventv1.EventType{Type: name, Localized: &zitadelv1.LocalizedMessage{Key: name, LocalizedMessage: text}}
}

func aggregateType(name, text string) *eventv1.AggregateType {
	return &eventv1.AggregateType{Type: name, Localized: &zitadelv1.LocalizedMessage{Key: name, LocalizedMessage: text}}
}

func TestListEvents(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		nobody := i.NewToken(t, i.NewMachine(t, "nobody"))
		id := i.NewMachine(t, "robot")
		if err := add(t, i.Owner, id, "IAM_OWNER_VIEWER"); err != nil {
			t.Fatal(err)
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListEvents(t.Context(), &adminv1.ListEventsRequest{Limit: 1}))(t)
			payload := servertest.OK(structpb.NewStruct(map[string]any{"userId": id, "roles": []any{"IAM_OWNER_VIEWER"}}))(t)
			s.Equal(t, got, &adminv1.ListEventsResponse{Events: []*eventv1.Event{{
				Editor:    &eventv1.Editor{UserId: i.OwnerID, DisplayName: "Owner"},
				Aggregate: &eventv1.Aggregate{Id: i.ID, Type: aggregateType("instance", "Instance"), ResourceOwner: i.ID},
				Sequence:  got.GetEvents()[0].GetSequence(),
				Payload:   payload,
				Type:      eventType("instance.member.added", "Instance: member added"),
			}}})
			_, err := c.Admin.ListEvents(t.Context(), &adminv1.ListEventsRequest{Limit: 1001})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
		_, err := nobody.Admin.ListEvents(t.Context(), nil)
		servertest.Refused(t, err, connect.CodePermissionDenied, "auth.permission_missing")
		first := events(t, i.Owner, &adminv1.ListEventsRequest{Asc: true, Limit: 1})[0]
		if e := first.GetEditor(); e.GetService() != "system" || e.GetUserId() == "" || e.GetDisplayName() != e.GetUserId() {
			t.Errorf("the instance was made by %v", e)
		}
	})
}

func TestListEventTypes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListEventTypes(t.Context(), &adminv1.ListEventTypesRequest{}))(t).GetEventTypes()
			names := make(map[string]string)
			for _, kind := range got {
				names[kind.GetType()] = kind.GetLocalized().GetLocalizedMessage()
			}
			if len(got) < 100 || len(names) != len(got) || names["user.pat.added"] != "User: personal access token added" {
				t.Errorf("%d types, %d of them different: %v", len(got), len(names), names)
			}
		})
		// Whatever happens is of a type that is listed.
		known := servertest.OK(i.Owner.Admin.ListEventTypes(t.Context(), nil))(t).GetEventTypes()
		for _, e := range events(t, i.Owner, nil) {
			if !slices.ContainsFunc(known, func(k *eventv1.EventType) bool { return k.GetType() == e.GetType().GetType() }) {
				t.Errorf("the type %s is not listed", e.GetType().GetType())
			}
		}
	})
}

func TestListAggregateTypes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Admin.ListAggregateTypes(t.Context(), &adminv1.ListAggregateTypesRequest{}))(t)
			s.Equal(t, got, &adminv1.ListAggregateTypesResponse{AggregateTypes: []*eventv1.AggregateType{
				aggregateType("instance", "Instance"), aggregateType("org", "Organization"), aggregateType("project", "Project"),
				aggregateType("user", "User"), aggregateType("usergrant", "User grant"), aggregateType("web_key", "Web key"),
			}})
		})
	})
}

// Each filter lets through what it names, and all of that.
func TestFilterEvents(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		robot := i.NewMachine(t, "robot")
		i.NewToken(t, robot)
		all := events(t, i.Owner, nil)
		oldest, newest := all[len(all)-1], all[0]
		at := func(e *eventv1.Event, d time.Duration) *timestamppb.Timestamp {
			return timestamppb.New(e.GetCreationDate().AsTime().Add(d))
		}
		within := func(since, until *timestamppb.Timestamp) *adminv1.ListEventsRequest {
			return &adminv1.ListEventsRequest{CreationDateFilter: &adminv1.ListEventsRequest_Range{Range: &adminv1.ListEventsRequestCreationDateRange{Since: since, Until: until}}}
		}
		from := func(t *timestamppb.Timestamp, ascending bool) *adminv1.ListEventsRequest {
			return &adminv1.ListEventsRequest{CreationDateFilter: &adminv1.ListEventsRequest_From{From: t}, Asc: ascending}
		}
		time := func(e *eventv1.Event) int64 { return e.GetCreationDate().AsTime().UnixMicro() }
		everything := func(*eventv1.Event) bool { return true }
		nothing := func(*eventv1.Event) bool { return false }
		for name, test := range map[string]struct {
			request *adminv1.ListEventsRequest
			want    func(*eventv1.Event) bool
		}{
			"all":            {&adminv1.ListEventsRequest{}, everything},
			"all, ascending": {&adminv1.ListEventsRequest{Asc: true}, everything},
			"editor":         {&adminv1.ListEventsRequest{EditorUserId: i.OwnerID}, func(e *eventv1.Event) bool { return e.GetEditor().GetUserId() == i.OwnerID }},
			"types": {&adminv1.ListEventsRequest{EventTypes: []string{"user.pat.added", "org.added", "no.such"}}, func(e *eventv1.Event) bool {
				return e.GetType().GetType() == "user.pat.added" || e.GetType().GetType() == "org.added"
			}},
			"unknown type":          {&adminv1.ListEventsRequest{EventTypes: []string{"no.such"}}, nothing},
			"aggregate":             {&adminv1.ListEventsRequest{AggregateId: robot}, func(e *eventv1.Event) bool { return e.GetAggregate().GetId() == robot }},
			"of another instance":   {&adminv1.ListEventsRequest{AggregateId: other.OwnerID}, nothing},
			"aggregate types":       {&adminv1.ListEventsRequest{AggregateTypes: []string{"org", "user"}}, func(e *eventv1.Event) bool { return e.GetAggregate().GetType().GetType() != "instance" }},
			"owner":                 {&adminv1.ListEventsRequest{ResourceOwner: i.OrganizationID}, func(e *eventv1.Event) bool { return e.GetAggregate().GetResourceOwner() == i.OrganizationID }},
			"two at once":           {&adminv1.ListEventsRequest{AggregateId: robot, AggregateTypes: []string{"org"}}, nothing},
			"since the newest":      {within(newest.GetCreationDate(), nil), func(e *eventv1.Event) bool { return time(e) >= time(newest) }},
			"after the newest":      {within(at(newest, 1000), nil), nothing},
			"until the oldest":      {within(nil, oldest.GetCreationDate()), func(e *eventv1.Event) bool { return time(e) <= time(oldest) }},
			"before the oldest":     {within(nil, at(oldest, -1000)), nothing},
			"from oldest to newest": {within(oldest.GetCreationDate(), newest.GetCreationDate()), everything},
			"no range":              {within(nil, nil), everything},
			"back from the oldest":  {from(oldest.GetCreationDate(), false), func(e *eventv1.Event) bool { return time(e) <= time(oldest) }},
			"on from the oldest":    {from(oldest.GetCreationDate(), true), everything},
			"on from the newest":    {from(newest.GetCreationDate(), true), func(e *eventv1.Event) bool { return time(e) >= time(newest) }},
			//lint:ignore SA1019 deprecated for clients, of which some still send it
			"the old name of that":   {&adminv1.ListEventsRequest{CreationDate: newest.GetCreationDate(), Asc: true}, func(e *eventv1.Event) bool { return time(e) >= time(newest) }},
			"the first day there is": {from(&timestamppb.Timestamp{Seconds: -62135596800}, false), nothing},
		} {
			got := events(t, i.Owner, test.request)
			if test.request.GetAsc() {
				slices.Reverse(got)
			}
			var want []uint64
			for _, e := range all {
				if test.want(e) {
					want = append(want, e.GetSequence())
				}
			}
			if found := positions(got); !slices.Equal(found, want) {
				t.Errorf("%s: got %v, want %v", name, found, want)
			}
		}
	})
}

func positions(events []*eventv1.Event) (all []uint64) {
	for _, e := range events {
		all = append(all, e.GetSequence())
	}
	return all
}

// Whoever continues with the last position it got reads everything once, in
// both directions, and a new event is the next one.
func TestFollowEvents(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		var last uint64
		for _, ascending := range []bool{false, true} {
			want := positions(events(t, i.Owner, &adminv1.ListEventsRequest{Asc: ascending}))
			var got []uint64
			for last = 0; ; last = got[len(got)-1] {
				some := positions(events(t, i.Owner, &adminv1.ListEventsRequest{Asc: ascending, Limit: 3, Sequence: last}))
				if len(some) == 0 {
					break
				}
				got = append(got, some...)
			}
			if !slices.Equal(got, want) || len(want) < 7 {
				t.Errorf("ascending %t: got %v, want %v", ascending, got, want)
			}
		}
		other.NewMachine(t, "robot")
		id := i.NewMachine(t, "robot")
		next := events(t, i.Owner, &adminv1.ListEventsRequest{Asc: true, Sequence: last})
		if len(next) != 1 || next[0].GetAggregate().GetId() != id {
			t.Errorf("got %v", next)
		}
		processed := servertest.OK(i.Owner.Admin.ListIAMMembers(t.Context(), nil))(t).GetDetails().GetProcessedSequence()
		if processed != next[0].GetSequence() {
			t.Errorf("a list has read up to %d, and the last event is %d", processed, next[0].GetSequence())
		}
		for _, beyond := range []uint64{processed, math.MaxInt64, math.MaxUint64} {
			if some := events(t, i.Owner, &adminv1.ListEventsRequest{Asc: true, Sequence: beyond}); len(some) > 0 {
				t.Errorf("behind %d there are %v", beyond, positions(some))
			}
		}
	})
}

// What happened to a person is told whole while the person is there. Nobody is
// told a password or a token.
func TestPayloadOfPersons(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		id := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
			UserName: "erin",
			Profile: &managementv1.ImportHumanUserRequest_Profile{
				FirstName: "Erin", LastName: "Person", PreferredLanguage: "gsw", Gender: userv1.Gender_GENDER_FEMALE,
			},
			Email:    &managementv1.ImportHumanUserRequest_Email{Email: "erin@example.com", IsEmailVerified: true},
			Password: servertest.HumanPassword,
		}))(t).GetUserId()
		servertest.OK(i.Owner.Management.UpdateHumanProfile(t.Context(), &managementv1.UpdateHumanProfileRequest{
			UserId: id, FirstName: "Erin", LastName: "Person", DisplayName: "Erin P.", PreferredLanguage: "gsw", Gender: userv1.Gender_GENDER_DIVERSE,
		}))(t)
		token := servertest.OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: i.OwnerID}))(t).GetToken()
		told := func() string {
			var all []map[string]any
			for _, e := range events(t, i.Owner, &adminv1.ListEventsRequest{AggregateId: id, EventTypes: []string{"user.human.added", "user.human.profile.changed"}}) {
				all = append(all, e.GetPayload().AsMap())
			}
			text, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if text := told(); !strings.Contains(text, "erin@example.com") || !strings.Contains(text, "gsw") || strings.Count(text, "gender") != 2 {
			t.Errorf("the payload is %s", text)
		}
		for _, e := range events(t, i.Owner, nil) {
			if text := e.String(); strings.Contains(text, token) || strings.Contains(text, servertest.HumanPassword) || strings.Contains(text, "argon2") {
				t.Errorf("the event tells a secret: %s", text)
			}
		}
		db := s.Open(t)
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), `DELETE FROM personal_data WHERE user_id = '`+id+`'`); err != nil {
			t.Fatal(err)
		}
		if text := told(); text != "[{},{}]" {
			t.Errorf("what is erased is told: %s", text)
		}
	})
}
