// Package message maps rows to the messages that several services answer with,
// and their queries to conditions.
package message

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/store"
)

// Page returns the page that a list query asks for.
func Page(q *zitadelv1.ListQuery) store.Page {
	return store.Page{Offset: q.GetOffset(), Limit: q.GetLimit(), Ascending: q.GetAsc()}
}

// ListDetails begins a list: it returns what is to be said of it but for the
// number of matches. It is called before the list is read, so that the list has
// every change up to the position.
func ListDetails(ctx context.Context, s *store.Store) (*zitadelv1.ListDetails, error) {
	position, err := s.Position(ctx)
	if err != nil {
		return nil, err
	}
	return &zitadelv1.ListDetails{ProcessedSequence: uint64(position), ViewTimestamp: timestamppb.New(s.Now())}, nil
}

// TextMethod returns the method of the store; their values are the same.
func TextMethod(m zitadelv1.TextQueryMethod) store.TextMethod { return store.TextMethod(m) }

// List answers a request for a list: it asks list for the page of the request,
// and maps the rows. It returns the errors of list.
func List[R, M any](
	ctx context.Context, s *store.Store, req interface{ GetQuery() *zitadelv1.ListQuery },
	list func(store.Page) ([]R, uint64, error), toProto func(R) M,
) (*zitadelv1.ListDetails, []M, error) {
	details, err := ListDetails(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	rows, total, err := list(Page(req.GetQuery()))
	if err != nil {
		return nil, nil, err
	}
	details.TotalResult = total
	return details, Each(rows, toProto), nil
}

// Each returns what of makes of each value, in their order.
func Each[V, M any](values []V, of func(V) M) []M {
	all := make([]M, len(values))
	for i, value := range values {
		all[i] = of(value)
	}
	return all
}
