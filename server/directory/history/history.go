// Package history reads what happened, to one object or in an instance.
package history

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/server/store"
)

// Event is an event with who did it.
type Event struct {
	*ent.Event
	Editor Editor
}

// Payload returns what the event tells: of a person only while the person has
// not been erased.
func (e Event) Payload() map[string]any {
	all := maps.Clone(e.Event.Payload)
	for _, personal := range e.Edges.PersonalData {
		if all == nil {
			all = make(map[string]any)
		}
		maps.Copy(all, personal.Payload)
	}
	return all
}

// Page is a piece of the history. The history is continued by the number where
// the last piece ended.
type Page struct {
	// After is the number of an event that the page begins behind, in the
	// direction of the page; 0 begins at the end that the direction leaves.
	After uint64
	// Limit 0 means the configured default; Path is the request field it is of.
	Limit uint32
	Path  string
	// Ascending order; descending by default.
	Ascending bool
}

// Of returns the events of an aggregate, numbered by their sequence. It returns
// fault.Invalid for a page over the configured maximum.
func Of(ctx context.Context, s *store.Store, aggregateType, id string, page Page) ([]Event, error) {
	q := s.Read().Event.Query().Where(event.AggregateType(aggregateType), event.AggregateID(id))
	return read(ctx, s, q, page, number{event.SequenceGT, event.SequenceLT, event.FieldSequence})
}

// Filter says which events of an instance are looked for; what is empty or zero
// does not count.
type Filter struct {
	EditorID       string
	Types          []string
	AggregateID    string
	AggregateTypes []string
	OwnerID        string

	times []predicate.Event
}

// Within also asks for events from the first moment to the last one; nil is
// no bound. Moments are those that the databases keep: of microseconds.
func (f *Filter) Within(first, last *time.Time) {
	if first != nil {
		f.times = append(f.times, event.CreatedAtGTE(*first))
	}
	if last != nil {
		f.times = append(f.times, event.CreatedAtLTE(*last))
	}
}

// List returns the events of the instance of ctx that the filter lets through,
// with what they tell of persons, numbered by their position. A page in
// ascending order ends where the history is settled: whoever continues there
// misses nothing. It returns fault.Invalid for a page over the configured
// maximum.
func List(ctx context.Context, s *store.Store, filter Filter, page Page) ([]Event, error) {
	q := s.Read().Event.Query().Where(filter.conditions()...).WithPersonalData()
	if page.Ascending {
		settled, err := s.SettledPosition(ctx)
		if err != nil {
			return nil, err
		}
		q.Where(event.IDLTE(settled))
	}
	return read(ctx, s, q, page, number{event.IDGT, event.IDLT, event.FieldID})
}

func (f Filter) conditions() (all []predicate.Event) {
	add := func(set bool, condition predicate.Event) {
		if set {
			all = append(all, condition)
		}
	}
	add(f.EditorID != "", event.EditorID(f.EditorID))
	add(len(f.Types) > 0, event.TypeIn(f.Types...))
	add(f.AggregateID != "", event.AggregateID(f.AggregateID))
	add(len(f.AggregateTypes) > 0, event.AggregateTypeIn(f.AggregateTypes...))
	add(f.OwnerID != "", event.OwnerID(f.OwnerID))
	return append(all, f.times...)
}

// number is what events are numbered by.
type number struct {
	above, below func(int64) predicate.Event
	field        string
}

func read(ctx context.Context, s *store.Store, q *ent.EventQuery, page Page, by number) ([]Event, error) {
	limit, err := s.PageSize(page.Limit, page.Path)
	if err != nil {
		return nil, err
	}
	// No event has a number that an int64 does not hold.
	after, beyond := int64(page.After), page.After > 1<<63-1
	switch {
	case page.Ascending && beyond:
		return nil, nil
	case page.Ascending:
		q.Where(by.above(after)).Order(ent.Asc(by.field))
	case page.After > 0 && !beyond:
		q.Where(by.below(after)).Order(ent.Desc(by.field))
	default:
		q.Order(ent.Desc(by.field))
	}
	rows, err := q.Limit(limit).All(ctx)
	if err != nil {
		return nil, err
	}
	editors, err := editorsOf(ctx, s, rows)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i, row := range rows {
		events[i] = Event{Event: row, Editor: editors[i]}
	}
	return events, nil
}

// AggregateTypes returns the types of aggregates, sorted.
func AggregateTypes() []string {
	return slices.Sorted(maps.Keys(aggregates))
}
