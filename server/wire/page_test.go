package wire

import (
	"bytes"
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
)

// The pages of a list may differ in their size and in nothing else.
func TestSameList(t *testing.T) {
	ctx := caller.WithOrganization(caller.InInstance(context.Background(), "i1"), "o1")
	members := &procedure{path: "/Service/ListMembers"}
	first := sameList(ctx, members, &adminv1.ListIAMMembersRequest{})
	for name, test := range map[string]struct {
		ctx     context.Context
		of      *procedure
		request proto.Message
		same    bool
	}{
		"again":             {ctx, members, &adminv1.ListIAMMembersRequest{}, true},
		"an empty query":    {ctx, members, &adminv1.ListIAMMembersRequest{Query: &zitadelv1.ListQuery{}}, true},
		"limit and offset":  {ctx, members, &adminv1.ListIAMMembersRequest{Query: &zitadelv1.ListQuery{Limit: 7, Offset: 3}}, true},
		"direction":         {ctx, members, &adminv1.ListIAMMembersRequest{Query: &zitadelv1.ListQuery{Asc: true}}, false},
		"column":            {ctx, members, &adminv1.ListIAMMembersRequest{SortingColumn: 1}, false},
		"condition":         {ctx, members, &adminv1.ListIAMMembersRequest{Queries: []*memberv1.SearchQuery{{}}}, false},
		"another method":    {ctx, &procedure{path: "/Service/ListOthers"}, &adminv1.ListIAMMembersRequest{}, false},
		"another instance":  {caller.InInstance(ctx, "i2"), members, &adminv1.ListIAMMembersRequest{}, false},
		"an organization":   {caller.WithOrganization(ctx, "o2"), members, &adminv1.ListIAMMembersRequest{}, false},
		"ids run together":  {caller.WithOrganization(caller.InInstance(ctx, `i1" "o1`), ""), members, &adminv1.ListIAMMembersRequest{}, false},
		"a field of a path": {ctx, members, &systemv1.ListIAMMembersRequest{InstanceId: "i1"}, false},
	} {
		request := proto.Clone(test.request)
		if same := bytes.Equal(sameList(test.ctx, test.of, test.request), first); same != test.same {
			t.Errorf("%s: the same list: %t", name, same)
		}
		if !proto.Equal(request, test.request) {
			t.Errorf("%s: the request was changed", name)
		}
	}
	if listQuery((&adminv1.ListIAMMemberRolesRequest{}).ProtoReflect()) != nil || listQuery((&adminv1.ListEventsRequest{}).ProtoReflect()) != nil {
		t.Error("a request without a size of pages is for a list")
	}
}
