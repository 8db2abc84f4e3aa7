package store

import (
	"context"
	"hash/fnv"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/server/caller"
)

// Subject is something in an instance that many transactions go by and few
// change.
type Subject string

// LoginNames is by which rule users are named: who makes or renames users goes by
// it, who changes the domain policy changes it.
const LoginNames Subject = "login names"

// Owners is who could act as an owner: who takes a role or a user out of service
// goes by those that stay, whose organizations are changed by who changes it.
const Owners Subject = "owners"

// Subjects is what tokens stand for and are good for, by id: who adds a user with
// an id of the client's choice goes by the ids of projects, applications and
// clients, who adds one of these goes by the ids of users.
const Subjects Subject = "subjects"

// HoldShared makes transactions that Hold the subject, in the instance of ctx,
// wait until this one ends. Those that share it do not wait for each other. What
// is to be gone by is read after it.
func (tx *Tx) HoldShared(ctx context.Context, subject Subject) error {
	return tx.hold(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, subject)
}

// Hold waits for every transaction that shares the subject, in the instance of
// ctx, and makes later ones wait until this one ends. Unlike the lock of a row
// that others share all the time, it is had in its turn. A transaction takes it
// before any other lock.
func (tx *Tx) Hold(ctx context.Context, subject Subject) error {
	return tx.hold(ctx, `SELECT pg_advisory_xact_lock($1)`, subject)
}

// hold runs a statement with the number of the subject. SQLite has one writer,
// so that there is nobody to wait for. Two subjects of one number would wait for
// each other, which does no harm.
func (tx *Tx) hold(ctx context.Context, statement string, subject Subject) error {
	if tx.store.dialect == dialect.SQLite {
		return nil
	}
	number := fnv.New64a()
	number.Write([]byte(caller.InstanceOf(ctx).ID + "\x00" + string(subject)))
	_, err := tx.ExecContext(ctx, statement, int64(number.Sum64()))
	return err
}
