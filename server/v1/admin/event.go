package admin

import (
	"context"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	eventv1 "github.com/bastide-id/bastide/gen/zitadel/event/v1"
	"github.com/bastide-id/bastide/server/directory/history"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/v1/message"
)

// Events are the calls about the history of the instance.
type Events struct{ store *store.Store }

// ListEvents returns what happened in the instance and fits the filters.
func (s Events) ListEvents(ctx context.Context, req *adminv1.ListEventsRequest) (*adminv1.ListEventsResponse, error) {
	events, err := history.List(ctx, s.store, eventFilter(req), history.Page{
		After: req.GetSequence(), Limit: req.GetLimit(), Path: "limit", Ascending: req.GetAsc(),
	})
	if err != nil {
		return nil, err
	}
	result := make([]*eventv1.Event, len(events))
	for i, e := range events {
		if result[i], err = eventToProto(e); err != nil {
			return nil, err
		}
	}
	return &adminv1.ListEventsResponse{Events: result}, nil
}

// ListEventTypes returns the types that events can have.
func (s Events) ListEventTypes(context.Context, *adminv1.ListEventTypesRequest) (*adminv1.ListEventTypesResponse, error) {
	var types []*eventv1.EventType
	for _, name := range store.EventTypes() {
		types = append(types, eventTypeToProto(string(name)))
	}
	return &adminv1.ListEventTypesResponse{EventTypes: types}, nil
}

// ListAggregateTypes returns the types of what events happen to.
func (s Events) ListAggregateTypes(context.Context, *adminv1.ListAggregateTypesRequest) (*adminv1.ListAggregateTypesResponse, error) {
	var types []*eventv1.AggregateType
	for _, name := range history.AggregateTypes() {
		types = append(types, aggregateTypeToProto(name))
	}
	return &adminv1.ListAggregateTypesResponse{AggregateTypes: types}, nil
}

// eventFilter returns what a request looks for. The one time of it, in its new
// field or in its old one, is where to begin reading: in ascending order the
// first moment, else the last one.
func eventFilter(req *adminv1.ListEventsRequest) history.Filter {
	filter := history.Filter{
		EditorID:       req.GetEditorUserId(),
		Types:          req.GetEventTypes(),
		AggregateID:    req.GetAggregateId(),
		AggregateTypes: req.GetAggregateTypes(),
		OwnerID:        req.GetResourceOwner(),
	}
	filter.Within(message.Expiry(req.GetRange().GetSince()), message.Expiry(req.GetRange().GetUntil()))
	//lint:ignore SA1019 deprecated for clients, of which some still send it
	old := req.GetCreationDate()
	for _, from := range []*timestamppb.Timestamp{old, req.GetFrom()} {
		if req.GetAsc() {
			filter.Within(message.Expiry(from), nil)
		} else {
			filter.Within(nil, message.Expiry(from))
		}
	}
	return filter
}

func eventToProto(e history.Event) (*eventv1.Event, error) {
	payload, err := structpb.NewStruct(e.Payload())
	if err != nil {
		return nil, err
	}
	editor := &eventv1.Editor{UserId: e.Editor.ID, DisplayName: e.Editor.DisplayName}
	if e.Editor.System {
		editor.Service = "system"
	}
	return &eventv1.Event{
		Editor:       editor,
		Aggregate:    &eventv1.Aggregate{Id: e.AggregateID, Type: aggregateTypeToProto(e.AggregateType), ResourceOwner: e.OwnerID},
		Sequence:     uint64(e.ID),
		CreationDate: timestamppb.New(e.CreatedAt),
		Payload:      payload,
		Type:         eventTypeToProto(e.Type),
	}, nil
}

func eventTypeToProto(name string) *eventv1.EventType {
	return &eventv1.EventType{Type: name, Localized: message.Localized(name, history.Text(name))}
}

func aggregateTypeToProto(name string) *eventv1.AggregateType {
	return &eventv1.AggregateType{Type: name, Localized: message.Localized(name, history.AggregateText(name))}
}
