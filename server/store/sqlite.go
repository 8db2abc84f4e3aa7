package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"

	"modernc.org/sqlite"

	"github.com/bastide-id/bastide/server/store/stmtcache"
)

// sqliteReaders is how many reads run at the same time.
const sqliteReaders = 8

// createSQLite makes the file of a new database, for its owner alone. SQLite
// gives the files beside it the same mode. One that is there is not touched:
// closing it would give up the locks that this process has on it.
func createSQLite(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the database cannot be created: %w", err)
	}
	return f.Close()
}

// openSQLite opens the pool of the one writer and that of the readers.
func openSQLite(file string) (writer, readers *sql.DB, err error) {
	if err := createSQLite(file); err != nil {
		return nil, nil, err
	}
	writer = sql.OpenDB(stmtcache.Wrap(sqliteConnector{dsn: sqliteDSN(file, false)}))
	writer.SetMaxOpenConns(1)
	readers = sql.OpenDB(stmtcache.Wrap(sqliteConnector{dsn: sqliteDSN(file, true)}))
	readers.SetMaxOpenConns(sqliteReaders)
	readers.SetMaxIdleConns(sqliteReaders) // the default of 2 would close and reopen connections all the time
	return writer, readers, nil
}

// sqliteDriver holds a mutex, so it is shared by pointer.
var sqliteDriver = &sqlite.Driver{}

type sqliteConnector struct{ dsn string }

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return sqliteDriver.Open(c.dsn)
}
func (c sqliteConnector) Driver() driver.Driver { return sqliteDriver }

// sqliteDSN applies the pragmas to every connection of a pool.
func sqliteDSN(file string, readOnly bool) string {
	pragmas := []string{
		"busy_timeout(10000)", // first, so that the others wait too
		"journal_mode(WAL)",
		"synchronous(FULL)", // an acknowledged write survives a power cut
		"foreign_keys(ON)",
		"cache_size(-4000)", // 4 MB a connection
		"temp_store(MEMORY)",
		"trusted_schema(OFF)",
	}
	if readOnly {
		pragmas = append(pragmas, "query_only(ON)")
	}
	query := url.Values{
		"_time_format": {"sqlite"},    // else times are stored as time.Time.String()
		"_txlock":      {"immediate"}, // a transaction takes the write lock at once instead of failing later
		"_pragma":      pragmas,
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: query.Encode()}).String()
}
