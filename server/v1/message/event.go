package message

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	changev1 "github.com/bastide-id/bastide/gen/zitadel/change/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/history"
	"github.com/bastide-id/bastide/server/store"
)

// Changes answers a request for the changes of an aggregate.
func Changes(ctx context.Context, s *store.Store, aggregateType, id string, q *changev1.ChangeQuery) ([]*changev1.Change, error) {
	events, err := history.Of(ctx, s, aggregateType, id, history.Page{
		After: q.GetSequence(), Limit: q.GetLimit(), Path: "query.limit", Ascending: q.GetAsc(),
	})
	if err != nil {
		return nil, err
	}
	changes := make([]*changev1.Change, len(events))
	for i, e := range events {
		changes[i] = &changev1.Change{
			ChangeDate:               timestamppb.New(e.CreatedAt),
			EventType:                Localized(e.Type, history.Text(e.Type)),
			Sequence:                 uint64(e.Sequence),
			EditorId:                 e.Editor.ID,
			EditorDisplayName:        e.Editor.DisplayName,
			ResourceOwnerId:          e.OwnerID,
			EditorPreferredLoginName: e.Editor.LoginName,
		}
	}
	return changes, nil
}

// Localized returns a text of the server's with the key that it has for
// programs.
func Localized(key, text string) *zitadelv1.LocalizedMessage {
	return &zitadelv1.LocalizedMessage{Key: key, LocalizedMessage: text}
}
