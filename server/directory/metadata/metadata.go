// Package metadata keeps values of a client's choice, by keys of its choice,
// with users and organizations.
package metadata

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/usermetadata"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// On is what metadata is kept with.
type On struct {
	// CreatedAt is when the user or the organization was made.
	CreatedAt time.Time

	object store.Object
	// last is the newest change of the object.
	last  store.Change
	table table
	types eventTypes
	// personal says that keys and values tell of a person, so that the history
	// keeps them where they can be erased. Elsewhere it keeps the keys alone.
	personal bool
}

type eventTypes struct{ set, removed store.EventType }

// OnUser returns the metadata of a user.
func OnUser(u *ent.User) On {
	return On{
		CreatedAt: u.CreatedAt,
		object:    store.UserObject(u),
		last:      store.Change{Sequence: u.Sequence, At: u.ChangedAt, OwnerID: u.ResourceOwner},
		table:     userTable(u.ID),
		types:     eventTypes{store.UserMetadataSet, store.UserMetadataRemoved},
		personal:  true,
	}
}

// OnOrganization returns the metadata of an organization.
func OnOrganization(o *ent.Organization) On {
	return On{
		CreatedAt: o.CreatedAt,
		object:    store.OrganizationObject(o),
		last:      store.Change{Sequence: o.Sequence, At: o.ChangedAt, OwnerID: o.OrganizationID},
		table:     organizationTable(o.ID),
		types:     eventTypes{store.OrgMetadataSet, store.OrgMetadataRemoved},
	}
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value []byte

	Sequence             int64
	CreatedAt, ChangedAt time.Time
	// OwnerID is the organization that it belongs to.
	OwnerID string

	primaryKey int64
}

// Condition is what an entry has to be like.
type Condition = func(*sql.Selector)

// WhereKey returns the condition that the key matches.
func WhereKey(method store.TextMethod, needle string) Condition {
	// The columns of both tables have the same names.
	return store.TextMatch(usermetadata.FieldKey, usermetadata.FieldKeyKey, method, needle)
}

// Get returns the entry of a key, or fault.MetadataUnknown. It serves reads and
// transactions alike.
func Get(ctx context.Context, client *ent.Client, on On, key string) (Entry, error) {
	found, err := find(ctx, client, on, key)
	if err != nil {
		return Entry{}, err
	}
	return found[0], nil
}

// List returns a page of the entries that match all conditions, in the order in
// which they were made, and how many match.
func List(ctx context.Context, s *store.Store, on On, page store.Page, conditions ...Condition) ([]Entry, uint64, error) {
	entries, total, err := on.table.list(ctx, s, page, conditions)
	return on.own(entries), total, err
}

// Value is what a key is to be set to.
type Value struct {
	Key   string
	Value []byte
}

// Set makes entries, or replaces their values: all of them or none. A key that
// has the value already stays as it is, and is no change: a client may send
// again what it does not know to have arrived. It returns the last change of
// the user or organization.
//
// It returns fault.MetadataRepeated for a key that stands in values twice.
func Set(ctx context.Context, tx *store.Tx, on On, values ...Value) (store.Change, error) {
	if err := CheckUnique(values); err != nil {
		return store.Change{}, err
	}
	if err := tx.Lock(ctx, on.object); err != nil {
		return store.Change{}, err
	}
	keys := make([]string, len(values))
	for i, v := range values {
		keys[i] = store.Text(v.Key)
	}
	rows, err := on.table.find(ctx, tx.Client(), keys)
	if err != nil {
		return store.Change{}, err
	}
	there := byKey(rows)
	change := on.last
	for i, v := range values {
		row, replace := there[keys[i]]
		if replace && bytes.Equal(row.Value, v.Value) {
			continue
		}
		if change, err = tx.Record(ctx, on.types.set, on.object, on.payload(keys[i], v.Value)); err != nil {
			return change, err
		}
		if replace {
			err = on.table.update(ctx, tx, row.primaryKey, v.Value, change.Sequence)
		} else {
			err = on.table.create(ctx, tx, keys[i], v.Value, change.Sequence)
		}
		if err != nil {
			return change, err
		}
	}
	return change, nil
}

// Remove removes the entries of keys: all of them or none. A key that is named
// twice is removed once. It returns the last change of the user or
// organization, or fault.MetadataUnknown.
func Remove(ctx context.Context, tx *store.Tx, on On, keys ...string) (change store.Change, err error) {
	if err := tx.Lock(ctx, on.object); err != nil {
		return change, err
	}
	rows, err := find(ctx, tx.Client(), on, keys...)
	if err != nil {
		return change, err
	}
	there := byKey(rows) // each once
	primaryKeys := make([]int64, 0, len(there))
	for _, row := range rows {
		if _, left := there[row.Key]; !left {
			continue
		}
		delete(there, row.Key)
		primaryKeys = append(primaryKeys, row.primaryKey)
		if change, err = tx.Record(ctx, on.types.removed, on.object, on.payload(row.Key, nil)); err != nil {
			return change, err
		}
	}
	return change, on.table.remove(ctx, tx, primaryKeys)
}

// find returns the entries of the keys, in their order, or
// fault.MetadataUnknown for the first key that has none.
func find(ctx context.Context, client *ent.Client, on On, keys ...string) ([]Entry, error) {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = store.Text(key)
	}
	rows, err := on.table.find(ctx, client, texts)
	if err != nil {
		return nil, err
	}
	there := byKey(on.own(rows))
	found := make([]Entry, len(keys))
	for i, key := range texts {
		row, known := there[key]
		if !known {
			return nil, fault.MetadataUnknown.With(key)
		}
		found[i] = row
	}
	return found, nil
}

// own says of entries whose they are.
func (on On) own(entries []Entry) []Entry {
	for i := range entries {
		entries[i].OwnerID = on.object.OwnerID
	}
	return entries
}

func (on On) payload(key string, value []byte) store.Payload {
	values := map[string]any{"key": key}
	if !on.personal {
		return store.Payload{Public: values}
	}
	if value != nil {
		values["value"] = value // base64 in JSON
	}
	return store.Payload{Personal: values}
}

// CheckUnique returns fault.MetadataRepeated for the fields "metadata[n].key"
// whose keys stand in values before.
func CheckUnique(values []Value) error {
	seen := make(map[string]bool, len(values))
	var repeated []error
	for i, v := range values {
		key := store.Text(v.Key)
		if seen[key] {
			repeated = append(repeated, fault.MetadataRepeated.Field(fmt.Sprintf("metadata[%d].key", i)))
		}
		seen[key] = true
	}
	return fault.Join(repeated...)
}

func byKey(entries []Entry) map[string]Entry {
	by := make(map[string]Entry, len(entries))
	for _, e := range entries {
		by[e.Key] = e
	}
	return by
}
