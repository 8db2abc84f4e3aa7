package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent/installation"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/store/across"
)

// Sealed is a column whose values are sealed under the master key. Each value
// is bound to its row, so that it opens nowhere else.
type Sealed struct{ table, column, id string }

// SealedSigningKey has the private halves of the keys that sign tokens.
var SealedSigningKey = Sealed{signingkey.Table, signingkey.FieldPrivateKey, signingkey.FieldKeyID}

// sealed has every such column. A test compares it with the schema.
var sealed = []Sealed{SealedSigningKey}

// BoundTo returns what the value of a row is bound to: the table, the instance
// and the id that clients know the row by.
func (c Sealed) BoundTo(instanceID, id string) string { return c.table + "/" + instanceID + "/" + id }

// ErrMasterKeyChanged says that the database goes by another master key than
// was expected.
var ErrMasterKeyChanged = errors.New("the database goes by another master key")

// SealedUnder returns the fingerprint of the master key that the database goes
// by, nil before the first run. It stays the same until the transaction ends:
// who writes a sealed value asks for it before any other lock, and seals under
// that key.
func (tx *Tx) SealedUnder(ctx context.Context) (fingerprint []byte, err error) {
	return tx.sealedUnder(ctx, "FOR SHARE")
}

func (tx *Tx) sealedUnder(ctx context.Context, strength string) (fingerprint []byte, err error) {
	query := `SELECT ` + quote(installation.FieldMasterKeyFingerprint) + ` FROM ` + quote(installation.Table)
	if tx.store.dialect == dialect.Postgres {
		query += " " + strength
	}
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&fingerprint); err != nil {
			return nil, err
		}
	}
	return fingerprint, rows.Err()
}

// resealPage is how many values are sealed anew at once.
const resealPage = 500

// Reseal has the function seal every sealed value of all instances anew, and
// makes the database go by another master key, both known by their
// fingerprints. All of it is one transaction, so that there is never a value
// that a start does not know the key of; readers see the former values until it
// commits, writers of sealed values wait. It returns how many values there are,
// and ErrMasterKeyChanged if the database does not go by the key from. ctx has
// to come from across.Instances.
func (tx *Tx) Reseal(ctx context.Context, from, to []byte, seal func(value []byte, boundTo string) ([]byte, error)) (n int, err error) {
	if !across.Is(ctx) {
		return 0, errNoInstance
	}
	under, err := tx.sealedUnder(ctx, "FOR UPDATE")
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(under, from) {
		return 0, ErrMasterKeyChanged
	}
	for _, column := range sealed {
		count, err := tx.resealColumn(ctx, column, seal)
		if err != nil {
			return 0, err
		}
		n += count
	}
	_, err = tx.ExecContext(ctx, tx.store.rebind(`UPDATE `+quote(installation.Table)+` SET `+quote(installation.FieldMasterKeyFingerprint)+` = ?`), to)
	return n, err
}

func (tx *Tx) resealColumn(ctx context.Context, c Sealed, seal func(value []byte, boundTo string) ([]byte, error)) (n int, err error) {
	if tx.store.dialect == dialect.Postgres {
		// Without it, this and who locks several rows would wait for each other.
		if _, err := tx.ExecContext(ctx, `LOCK TABLE `+quote(c.table)+` IN EXCLUSIVE MODE`); err != nil {
			return 0, err
		}
	}
	for last := int64(0); ; {
		page, err := tx.sealedAfter(ctx, c, last)
		if err != nil || len(page) == 0 {
			return n, err
		}
		for i, row := range page {
			if page[i].value, err = seal(row.value, row.boundTo); err != nil {
				return 0, fmt.Errorf("%s cannot be sealed anew: %w", row.boundTo, err)
			}
		}
		if err := tx.setSealed(ctx, c, page); err != nil {
			return 0, err
		}
		n, last = n+len(page), page[len(page)-1].key
	}
}

// sealedValue is the value of a sealed column in one row.
type sealedValue struct {
	key     int64
	boundTo string
	value   []byte
}

// sealedAfter returns the next values of a column behind a primary key.
func (tx *Tx) sealedAfter(ctx context.Context, c Sealed, last int64) (page []sealedValue, err error) {
	rows, err := tx.QueryContext(ctx, tx.store.rebind(
		`SELECT id, `+instanceColumn+`, `+quote(c.id)+`, `+quote(c.column)+` FROM `+quote(c.table)+
			` WHERE id > ? AND `+quote(c.column)+` IS NOT NULL ORDER BY id LIMIT ?`), last, resealPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row sealedValue
		var instanceID, id string
		if err := rows.Scan(&row.key, &instanceID, &id, &row.value); err != nil {
			return nil, err
		}
		row.boundTo = c.BoundTo(instanceID, id)
		page = append(page, row)
	}
	return page, rows.Err()
}

func (tx *Tx) setSealed(ctx context.Context, c Sealed, page []sealedValue) error {
	if tx.store.dialect == dialect.SQLite {
		for _, row := range page {
			if _, err := tx.ExecContext(ctx, `UPDATE `+quote(c.table)+` SET `+quote(c.column)+` = ? WHERE id = ?`, row.value, row.key); err != nil {
				return err
			}
		}
		return nil
	}
	keys, values := make([]int64, len(page)), make([][]byte, len(page))
	for i, row := range page {
		keys[i], values[i] = row.key, row.value
	}
	_, err := tx.ExecContext(ctx, `UPDATE `+quote(c.table)+` AS t SET `+quote(c.column)+` = v.value FROM unnest($1::bigint[], $2::bytea[]) AS v(key, value) WHERE t.id = v.key`,
		pq.Array(keys), pq.Array(values))
	return err
}
