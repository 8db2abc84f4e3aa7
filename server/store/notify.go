package store

import (
	"context"
	"encoding/json"

	"entgo.io/ent/dialect"
)

const (
	// changesChannel is where processes on one PostgreSQL database tell each
	// other what they changed.
	// https://www.postgresql.org/docs/current/sql-notify.html
	changesChannel = "bastide_changes"
	// maxNotification bounds a notification; PostgreSQL takes just under 8000
	// bytes.
	maxNotification = 4000
)

// tell says to the processes on the database, this one too, what the transaction
// changed. They hear it once it is committed, and only then. This process hears
// of a commit as well whose answer was lost, and which may be done later than it
// was told.
func (tx *Tx) tell(ctx context.Context) error {
	if len(tx.touched) == 0 || tx.store.dialect == dialect.SQLite {
		return nil // SQLite has one process: its data directory is locked
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, changesChannel, notification(tx.touched))
	return err
}

// notification is what is told of the changes: pairs of a kind and an instance.
// It is empty for more than fits, which stands for everything.
func notification(changes map[change]bool) string {
	list := make([][2]string, 0, len(changes))
	for c := range changes {
		list = append(list, [2]string{c.kind, c.instanceID})
	}
	text, _ := json.Marshal(list) // strings
	if len(text) > maxNotification {
		return ""
	}
	return string(text)
}

// heard drops what a notification tells of. One that cannot be read may tell of
// anything. A kind that only a later version of this program knows is in no
// cache of this one.
func (c *caches) heard(notification string) {
	var list [][2]string
	if err := json.Unmarshal([]byte(notification), &list); err != nil {
		c.dropAll()
		return
	}
	changes := make(map[change]bool, len(list))
	for _, pair := range list {
		changes[change{kind: pair[0], instanceID: pair[1]}] = true
	}
	c.drop(changes)
}
