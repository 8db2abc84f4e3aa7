package store

import (
	"context"
	"encoding/json"
	"errors"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/server/caller"
)

// RecordAll is Record for many objects of one type, with two statements however
// many they are. The public part of the payload of each is what public returns
// for its index; a nil public means none. An object that is gone is left out:
// another transaction recorded its end.
func (tx *Tx) RecordAll(ctx context.Context, eventType EventType, objects []Object, public func(i int) map[string]any) error {
	if len(objects) == 0 {
		return nil
	}
	sequences, err := tx.countAll(ctx, objects)
	if err != nil || len(sequences) == 0 {
		return err
	}
	editor := caller.From(ctx)
	values := make([][4]any, 0, len(sequences)) // id, owner, sequence, payload
	for i, object := range objects {
		sequence, there := sequences[object.row.key]
		if !there {
			continue
		}
		value := [4]any{object.ID, object.OwnerID, sequence, nil}
		var told map[string]any
		if public != nil {
			told = public(i)
		}
		if told = withActor(told, editor); len(told) > 0 {
			payload, err := json.Marshal(told)
			if err != nil {
				return err
			}
			value[3] = string(payload)
		}
		values = append(values, value)
	}
	list, err := json.Marshal(values)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, tx.store.rebind(insertEvents[tx.store.dialect]), caller.InstanceOf(ctx).ID, objects[0].Type,
		string(eventType), string(editorTypes[editor.Kind]), editor.ID, tx.now, string(list))
	tx.recorded = tx.recorded || err == nil
	return err
}

// insertEvents are the statements that add events as a JSON list has them.
var insertEvents = map[string]string{
	dialect.SQLite: `INSERT INTO events (instance_id, aggregate_type, aggregate_id, owner_id, sequence, type, editor_type, editor_id, created_at, payload)
		SELECT ?, ?, value ->> 0, value ->> 1, value ->> 2, ?, ?, ?, ?, CAST(value ->> 3 AS BLOB) FROM json_each(?) ORDER BY key`,
	dialect.Postgres: `INSERT INTO events (instance_id, aggregate_type, aggregate_id, owner_id, sequence, type, editor_type, editor_id, created_at, payload)
		SELECT CAST(? AS text), CAST(? AS text), value ->> 0, value ->> 1, CAST(value ->> 2 AS bigint),
			CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS timestamptz), CAST(value ->> 3 AS jsonb)
		FROM json_array_elements(CAST(? AS json)) WITH ORDINALITY AS listed(value, place) ORDER BY place`,
}

// countAll is count for many objects of one table. It returns the sequences by
// the keys of the rows that are there.
func (tx *Tx) countAll(ctx context.Context, objects []Object) (map[int64]int64, error) {
	if err := tx.join(ctx); err != nil {
		return nil, err
	}
	table, keys := objects[0].row.table, make([]int64, len(objects))
	for i, object := range objects {
		if keys[i] = object.row.key; object.row.table != table {
			return nil, errMixed
		}
	}
	condition, arg := tx.among(primaryKey, keys)
	rows, err := tx.QueryContext(ctx, tx.store.rebind(
		`UPDATE `+quote(table)+` SET sequence = sequence + 1, changed_at = ? WHERE `+condition+` AND instance_id = ?`+stillThere(table)+` RETURNING id, sequence`),
		tx.now, arg, caller.InstanceOf(ctx).ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sequences := make(map[int64]int64, len(objects))
	for rows.Next() {
		var key, sequence int64
		if err := rows.Scan(&key, &sequence); err != nil {
			return nil, err
		}
		sequences[key] = sequence
		if err := tx.touchCounted(ctx, table, sequence); err != nil {
			return nil, err
		}
	}
	return sequences, rows.Err()
}

// errMixed is a mistake in the program.
var errMixed = errors.New("store: objects of different types are recorded together")
