package management_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"

	metadatav1 "github.com/bastide-id/bastide/gen/zitadel/metadata/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestMetadata(t *testing.T) {
	eachOwner(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, of *owner) {
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			ctx := t.Context()
			_, err := of.get(ctx, c, of.id, "plan")
			servertest.Refused(t, err, connect.CodeNotFound, "metadata.unknown")
			set := servertest.OK(of.set(ctx, c, of.id, "plan", "gold\x00\xff"))(t)
			s.Equal(t, set, details(of.changes+1, of.owner))
			got := servertest.OK(of.get(ctx, c, of.id, "plan"))(t)
			s.Equal(t, got, &metadatav1.Metadata{Details: details(of.changes+1, of.owner), Key: "plan", Value: []byte("gold\x00\xff")})

			// The value that it has is no change, another one is.
			if again := servertest.OK(of.set(ctx, c, of.id, "plan", "gold\x00\xff"))(t); !proto.Equal(again, set) {
				t.Errorf("the same value again: %v, want %v", again, set)
			}
			replaced := servertest.OK(of.set(ctx, c, of.id, "plan", "silver"))(t)
			s.Equal(t, replaced, details(of.changes+2, of.owner))
			if !replaced.GetCreationDate().AsTime().Equal(set.GetCreationDate().AsTime()) || !replaced.GetChangeDate().AsTime().After(set.GetChangeDate().AsTime()) {
				t.Errorf("the value was created and changed at %v, before at %v", replaced, set)
			}

			removed := servertest.OK(of.remove(ctx, c, of.id, "plan"))(t)
			s.Equal(t, removed, details(of.changes+3, of.owner))
			if !removed.GetCreationDate().AsTime().Equal(set.GetCreationDate().AsTime()) {
				t.Error("the value was created at another time")
			}
			_, err = of.remove(ctx, c, of.id, "plan")
			servertest.Refused(t, err, connect.CodeNotFound, "metadata.unknown")
			of.changes += 3
		})
	})
}

func TestBulkMetadata(t *testing.T) {
	eachOwner(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, of *owner) {
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			ctx := t.Context()
			set := servertest.OK(of.bulkSet(ctx, c, of.id, "a", "1", "b", "2", "c", "3"))(t)
			s.Equal(t, set, details(of.changes+3, of.owner))
			// Only what is another value is a change.
			set = servertest.OK(of.bulkSet(ctx, c, of.id, "a", "1", "b", "two", "c", "3"))(t)
			s.Equal(t, set, details(of.changes+4, of.owner))
			if same := servertest.OK(of.bulkSet(ctx, c, of.id, "a", "1", "b", "two"))(t); !proto.Equal(same, set) {
				t.Errorf("the same values again: %v, want %v", same, set)
			}
			want := map[string]string{"a": "1", "b": "two", "c": "3"}
			check(t, c, of, want)

			// All or none.
			_, err := of.bulkSet(ctx, c, of.id, "d", "4", "a", "5", "d", "6")
			servertest.Refused(t, err, connect.CodeInvalidArgument, "metadata.key_repeated")
			if err != nil && !strings.Contains(err.Error(), "metadata[2].key: ") {
				t.Errorf("the error does not name the key: %v", err)
			}
			_, err = of.bulkSet(ctx, c, of.id, "\u00e9", "1", "e\u0301", "2") // the same text
			servertest.Refused(t, err, connect.CodeInvalidArgument, "metadata.key_repeated")
			_, err = of.bulkSet(ctx, c, of.id, "d", "4", "e", "")
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
			_, err = of.bulkSet(ctx, c, of.id)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = of.bulkRemove(ctx, c, of.id, "a", "d")
			servertest.Refused(t, err, connect.CodeNotFound, "metadata.unknown")
			_, err = of.bulkRemove(ctx, c, of.id)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			check(t, c, of, want)

			removed := servertest.OK(of.bulkRemove(ctx, c, of.id, "c", "a", "c"))(t)
			s.Equal(t, removed, details(of.changes+6, of.owner))
			check(t, c, of, map[string]string{"b": "two"})
			servertest.OK(of.bulkRemove(ctx, c, of.id, "b"))(t)
			of.changes += 7
		})
	})
}

// A DELETE has a body where the contract says so. Whatever drops it on the way
// does not drop the query.
func TestBulkRemoveByREST(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada, bob := i.NewHuman(t, "ada"), i.NewHuman(t, "bob")
		path := "/management/v1/users/" + ada + "/metadata/_bulk"
		for name, test := range map[string]struct {
			query, body string
			status      int
		}{
			"body":                      {"", `{"keys":["a","b"]}`, 200},
			"query":                     {"?keys=a&keys=b", "", 200},
			"another user in the body":  {"", `{"id":"` + bob + `","keys":["a","b"]}`, 200},
			"another user in the query": {"?id=" + bob, `{"keys":["a","b"]}`, 400},
			"no keys":                   {"", `{}`, 400},
			"no body":                   {"", "", 400},
			"more than the body":        {"", `{"keys":["a","b"]} {}`, 400},
			"keys of the wrong type":    {"", `{"keys":"a"}`, 400},
			"one of them is not a key":  {"", `{"keys":["a","b","c"]}`, 404},
		} {
			t.Run(name, func(t *testing.T) {
				for _, id := range []string{ada, bob} {
					servertest.OK(metadataOfUser.bulkSet(t.Context(), i.Owner, id, "a", "1", "b", "2"))(t)
				}
				if status, answer := i.Owner.REST(t, "DELETE", path+test.query, test.body); status != test.status {
					t.Errorf("HTTP %d %v, want %d", status, answer, test.status)
				}
				left := map[string]string{"a": "1", "b": "2"}
				check(t, i.Owner, &owner{metadataCalls: metadataOfUser, id: bob}, left)
				if test.status == 200 {
					left = nil
				}
				check(t, i.Owner, &owner{metadataCalls: metadataOfUser, id: ada}, left)
			})
		}
	})
}

// check checks what metadata there is.
func check(t *testing.T, c *servertest.Caller, of *owner, want map[string]string) {
	t.Helper()
	_, all, err := of.list(t.Context(), c, of.id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(want) {
		t.Errorf("there are %d keys, want %d", len(all), len(want))
	}
	for _, m := range all {
		if want[m.GetKey()] != string(m.GetValue()) {
			t.Errorf("%q is %q, want %q", m.GetKey(), m.GetValue(), want[m.GetKey()])
		}
	}
}

// oddKeys are what paths, databases and people write differently.
var oddKeys = []string{
	"a/b", "/", "a%2Fb", "100%", "100x", "a b", "a+b", "a?b#c", "..", "a_b", "axb", `a\b`, "'; --", "key:value", "{key}",
	"Straße", "STRASSE", "straße", "GROẞ", "İzmir", "izmir", "ıssız", "Jos\u00e9", "日本語", "🙂", strings.Repeat("字", 200),
}

func TestMetadataKeys(t *testing.T) {
	eachOwner(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, of *owner) {
		for _, p := range []servertest.Protocol{servertest.REST, servertest.GRPC} {
			c := i.Owner.Via(p)
			for _, key := range oddKeys {
				value := string(p) + key
				servertest.OK(of.set(t.Context(), c, of.id, key, value))(t)
				if got := servertest.OK(of.get(t.Context(), c, of.id, key))(t); got.GetKey() != key || string(got.GetValue()) != value {
					t.Errorf("%s %q: got %q: %q", p, key, got.GetKey(), got.GetValue())
				}
			}
			details, all, err := of.list(t.Context(), c, of.id, nil)
			if err != nil || details.GetTotalResult() != uint64(len(oddKeys)) || len(all) != len(oddKeys) {
				t.Errorf("%s: %d of %d, %v", p, len(all), details.GetTotalResult(), err)
			}
			if got := servertest.OK(of.get(t.Context(), c, of.id, "Jose\u0301"))(t); got.GetKey() != "Jos\u00e9" {
				t.Errorf("%s: the same text, written otherwise, is %q", p, got.GetKey())
			}
			for _, key := range oddKeys {
				servertest.OK(of.remove(t.Context(), c, of.id, key))(t)
			}
		}
		for name, key := range map[string]string{"none": "", "long": strings.Repeat("字", 201)} {
			_, err := of.set(t.Context(), i.Owner, of.id, key, "x")
			t.Run(name, func(t *testing.T) { servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid") })
		}
		_, err := of.set(t.Context(), i.Owner, of.id, "a\x00", "x")
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.nul")
		_, err = of.set(t.Context(), i.Owner, of.id, "a", strings.Repeat("x", 500_001))
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		servertest.OK(of.set(t.Context(), i.Owner, of.id, "a", strings.Repeat("x", 500_000)))(t)
	})
}

func byKey(needle string, method zitadelv1.TextQueryMethod) *metadatav1.MetadataQuery {
	return &metadatav1.MetadataQuery{Query: &metadatav1.MetadataQuery_KeyQuery{KeyQuery: &metadatav1.MetadataKeyQuery{Key: needle, Method: method}}}
}

// matches says what a method means: the methods of the contract come in pairs,
// the second without regard to case.
func matches(method zitadelv1.TextQueryMethod, text, needle string) bool {
	if method%2 == 1 {
		text, needle = norm.NFC.String(cases.Fold().String(text)), norm.NFC.String(cases.Fold().String(needle))
	}
	compare := []func(string, string) bool{
		func(a, b string) bool { return a == b }, strings.HasPrefix, strings.Contains, strings.HasSuffix,
	}
	return compare[method/2](text, needle)
}

func TestListMetadata(t *testing.T) {
	eachOwner(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, of *owner) {
		var pairs []string
		for _, key := range oddKeys {
			pairs = append(pairs, key, "value of "+key)
		}
		servertest.OK(of.bulkSet(t.Context(), i.Owner, of.id, pairs...))(t)
		find := func(query *zitadelv1.ListQuery, queries ...*metadatav1.MetadataQuery) (keys []string, total uint64) {
			details, all, err := of.list(t.Context(), i.Owner, of.id, query, queries...)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if string(m.GetValue()) != "value of "+m.GetKey() || m.GetDetails().GetResourceOwner() != of.owner {
					t.Errorf("%q is %v", m.GetKey(), m)
				}
				keys = append(keys, m.GetKey())
			}
			return keys, details.GetTotalResult()
		}
		checkPages(t, oddKeys, func(query *zitadelv1.ListQuery) ([]string, uint64) { return find(query) })
		for _, needle := range append([]string{"", "%", "_", `\`, "strasse", "STRAẞE", "ß", "ss", "i", "ı", "A", "/", "nothing"}, oddKeys...) {
			for method := range zitadelv1.TextQueryMethod(len(zitadelv1.TextQueryMethod_name)) {
				var want []string
				for _, key := range oddKeys {
					if matches(method, key, needle) {
						want = append(want, key)
					}
				}
				got, total := find(&zitadelv1.ListQuery{Asc: true}, byKey(needle, method))
				if !slices.Equal(got, want) || total != uint64(len(want)) {
					t.Errorf("%s %q: got %q of %d, want %q", method, needle, got, total, want)
				}
			}
		}
		const starts, ends = zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH, zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_ENDS_WITH
		if got, _ := find(&zitadelv1.ListQuery{Asc: true}, byKey("a", starts), byKey("b", ends)); !slices.Equal(got, []string{"a/b", "a%2Fb", "a b", "a+b", "a_b", "axb", `a\b`}) {
			t.Errorf("of two queries: %q", got)
		}
		_, _, err := of.list(t.Context(), i.Owner, of.id, nil, &metadatav1.MetadataQuery{})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		_, _, err = of.list(t.Context(), i.Owner, of.id, &zitadelv1.ListQuery{Limit: 1001})
		servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
	})
}

// Each user and organization has its own, and nobody reaches those of others.
func TestMetadataOfOthers(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		ada, bob, second := i.NewHuman(t, "ada"), i.NewHuman(t, "bob"), i.NewOrganization(t, "Second")
		ctx, there := t.Context(), i.Owner.In(second)
		servertest.OK(metadataOfUser.set(ctx, i.Owner, ada, "plan", "gold"))(t)
		servertest.OK(metadataOfOrganization.set(ctx, i.Owner, "", "plan", "gold"))(t)
		for name, test := range map[string]struct {
			calls  metadataCalls
			caller *servertest.Caller
			user   string
			id     string
		}{
			"another user":                   {metadataOfUser, i.Owner, bob, "metadata.unknown"},
			"no user":                        {metadataOfUser, i.Owner, "unknown", "object.unknown"},
			"a user of another organization": {metadataOfUser, there, ada, "object.unknown"},
			"a user of another instance":     {metadataOfUser, other.Owner, ada, "object.unknown"},
			"another organization":           {metadataOfOrganization, there, "", "metadata.unknown"},
			"of another instance":            {metadataOfOrganization, other.Owner, "", "metadata.unknown"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := test.calls.get(ctx, test.caller, test.user, "plan")
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
				_, err = test.calls.remove(ctx, test.caller, test.user, "plan")
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
				_, err = test.calls.bulkRemove(ctx, test.caller, test.user, "plan")
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
				_, all, err := test.calls.list(ctx, test.caller, test.user, nil)
				if test.id == "metadata.unknown" {
					if err != nil || len(all) > 0 {
						t.Errorf("the list has %v, %v", all, err)
					}
					return
				}
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
				_, err = test.calls.set(ctx, test.caller, test.user, "plan", "x")
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
				_, err = test.calls.bulkSet(ctx, test.caller, test.user, "plan", "x")
				servertest.Refused(t, err, connect.CodeNotFound, test.id)
			})
		}
		servertest.OK(metadataOfUser.get(ctx, i.Owner, ada, "plan"))(t)
		servertest.OK(metadataOfOrganization.get(ctx, i.Owner, "", "plan"))(t)
	})
}

// Many who set and remove the same keys at once get one of the answers that they
// would get one after the other, and each change is counted once.
func TestMetadataAtOnce(t *testing.T) {
	eachOwner(t, func(t *testing.T, s *servertest.Server, i servertest.Tenant, of *owner) {
		const callers = 12
		sequences := make([]uint64, callers)
		var all sync.WaitGroup
		for n := range callers {
			all.Go(func() {
				got, err := of.bulkSet(t.Context(), i.Owner, of.id, "a", fmt.Sprint(n), "b", fmt.Sprint(n))
				if err != nil {
					t.Error(err)
				}
				sequences[n] = got.GetSequence()
			})
		}
		all.Wait()
		slices.Sort(sequences)
		for n, sequence := range sequences {
			if want := of.changes + 2*uint64(n+1); sequence != want {
				t.Errorf("answer %d has the sequence %d, want %d", n, sequence, want)
			}
		}
		removed := make([]error, callers)
		for n := range callers {
			all.Go(func() { _, removed[n] = of.bulkRemove(t.Context(), i.Owner, of.id, "b", "a") })
		}
		all.Wait()
		done := 0
		for _, err := range removed {
			if err == nil {
				done++
			} else {
				servertest.Refused(t, err, connect.CodeNotFound, "metadata.unknown")
			}
		}
		if done != 1 {
			t.Errorf("the keys were removed %d times", done)
		}
	})
}

// What a user's keys and values say of a person is kept apart from the history,
// and the values of an organization are not kept in it.
func TestMetadataInHistory(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		ada := i.NewHuman(t, "ada")
		for id, calls := range map[string]metadataCalls{ada: metadataOfUser, "": metadataOfOrganization} {
			servertest.OK(calls.set(t.Context(), i.Owner, id, "plan", "secret value"))(t)
			servertest.OK(calls.remove(t.Context(), i.Owner, id, "plan"))(t)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte("secret value"))
		db := s.Open(t)
		defer db.Close()
		for event, want := range map[string][2][]string{
			"user.metadata.set":     {nil, {`"plan"`, encoded}},
			"user.metadata.removed": {nil, {`"plan"`}},
			"org.metadata.set":      {{`"plan"`}, nil},
			"org.metadata.removed":  {{`"plan"`}, nil},
		} {
			var got [2]string // in the event, and apart
			if err := db.QueryRow(`SELECT COALESCE(CAST(e.payload AS text), ''), COALESCE(CAST(p.payload AS text), '') FROM events e
				LEFT JOIN personal_data p ON p.event_pk = e.id WHERE e.type = '`+event+`'`).Scan(&got[0], &got[1]); err != nil {
				t.Fatal(event, err)
			}
			for i, texts := range want {
				if slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(got[i], text) }) || (got[i] == "") != (texts == nil) {
					t.Errorf("%s: the event has %q, and apart %q", event, got[0], got[1])
				}
			}
			if strings.Contains(got[0], encoded) {
				t.Errorf("%s: the event has the value: %s", event, got[0])
			}
		}
	})
}
