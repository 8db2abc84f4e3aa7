package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/migrate"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/server/fault"
)

// Fault turns what a database or ent answers into the fault that a caller may
// see, with the cause kept for the log. It returns any other error as it is.
//
// A statement that was cut off became context.DeadlineExceeded. The databases
// do not tell whether the time was over or the caller left; who renders the
// error knows it from the caller's own context.
func Fault(err error) error {
	var known *fault.Fault
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case ent.IsNotFound(err):
		return fault.RowMissing.With().Because(err)
	}
	var p *pq.Error
	if errors.As(err, &p) {
		return postgresFault(p, err)
	}
	var l *sqlite.Error
	if errors.As(err, &l) {
		return sqliteFault(l, err)
	}
	var n net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &n) {
		return fault.DatabaseDown.With().Because(err)
	}
	return err
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
func postgresFault(p *pq.Error, err error) error {
	switch {
	case p.Code == "23505":
		return fault.ValueTaken.With().Because(err)
	case p.Code == "23503":
		return fault.ReferenceBroken.With().Because(err)
	case p.Code == "53100": // disk_full
		return fault.DatabaseFull.With().Because(err)
	case p.Code == "57014": // query_canceled: how lib/pq ends a query whose context ended
		return errors.Join(context.DeadlineExceeded, err)
	case p.Code.Class() == "08", p.Code.Class() == "53", p.Code.Class() == "57", p.Code.Class() == "58", p.Code == "25006", mayRetry(err):
		return fault.DatabaseDown.With().Because(err)
	}
	return err
}

// https://www.sqlite.org/rescode.html
func sqliteFault(l *sqlite.Error, err error) error {
	switch l.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fault.ValueTaken.With().Because(err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fault.ReferenceBroken.With().Because(err)
	}
	switch l.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fault.DatabaseFull.With().Because(err)
	case sqlite3.SQLITE_INTERRUPT: // the context ended
		return errors.Join(context.DeadlineExceeded, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fault.DatabaseDown.With().Because(err)
	}
	return err
}

// lastColumns has the last column of each unique constraint of PostgreSQL.
var lastColumns = func() map[string]string {
	columns := make(map[string]string)
	for _, table := range migrate.Tables {
		columns[table.Name+"_pkey"] = table.PrimaryKey[0].Name
		for _, index := range table.Indexes {
			columns[index.Name] = index.Columns[len(index.Columns)-1].Name
		}
	}
	columns["bastide_signing_key_active"] = signingkey.FieldInstanceID // written by hand
	return columns
}()

// TakenColumn returns the last column of the unique index that refused a row,
// empty if err is no such refusal.
func TakenColumn(err error) string {
	var p *pq.Error
	if errors.As(err, &p) && p.Code == "23505" {
		return lastColumns[p.Constraint] // the message is in the language of the server
	}
	var l *sqlite.Error
	if errors.As(err, &l) && (l.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || l.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		// constraint failed: UNIQUE constraint failed: users.instance_id, users.user_id (2067)
		columns, _, _ := strings.Cut(l.Error(), " (")
		return columns[strings.LastIndex(columns, ".")+1:]
	}
	return ""
}
