package history

import (
	"context"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
)

// Editor is who did something.
type Editor struct {
	// ID is the id of the user, or the name of the system user; empty for a
	// caller who did not say who it is.
	ID string
	// System tells a system user from a user of the instance.
	System bool
	// DisplayName and LoginName are the user's of today; empty for one who is
	// gone. A system user is shown by its name, and signs in nowhere.
	DisplayName, LoginName string
}

// editorsOf returns who did each of the events.
func editorsOf(ctx context.Context, s *store.Store, events []*ent.Event) ([]Editor, error) {
	known := make(map[string]Editor) // the users, by id
	for _, e := range events {
		if e.EditorType == event.EditorTypeUser {
			known[e.EditorID] = Editor{ID: e.EditorID}
		}
	}
	if err := name(ctx, s, known); err != nil {
		return nil, err
	}
	editors := make([]Editor, len(events))
	for i, e := range events {
		switch e.EditorType {
		case event.EditorTypeUser:
			editors[i] = known[e.EditorID]
		case event.EditorTypeSystem:
			editors[i] = Editor{ID: e.EditorID, System: true, DisplayName: e.EditorID}
		}
	}
	return editors, nil
}

// name adds the names of the users who are there.
func name(ctx context.Context, s *store.Store, known map[string]Editor) error {
	if len(known) == 0 {
		return nil
	}
	ids := make([]string, 0, len(known))
	for id := range known {
		ids = append(ids, id)
	}
	rows, err := s.Read().User.Query().Where(entuser.UserIDIn(ids...)).All(ctx)
	if err != nil {
		return err
	}
	names, err := user.LoginNamesOf(ctx, s, rows...)
	if err != nil {
		return err
	}
	for i, row := range rows {
		known[row.UserID] = Editor{ID: row.UserID, DisplayName: row.DisplayName, LoginName: names[i].Preferred}
	}
	return nil
}
