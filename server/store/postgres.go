package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/lib/pq"

	"github.com/bastide-id/bastide/server/store/stmtcache"
)

const (
	postgresConnections    = 20
	postgresConnectTimeout = 10 // seconds
	// postgresIdleTime ends connections that a fallen server left behind.
	postgresIdleTime = 5 * time.Minute
)

// postgresAddress returns the address that connections are opened with: what
// the URL leaves open is filled in.
func postgresAddress(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", errors.New("the database URL is not valid") // the cause would repeat the password
	}
	query := u.Query()
	for key, value := range map[string]string{
		"timezone":         "UTC",
		"connect_timeout":  fmt.Sprint(postgresConnectTimeout),
		"application_name": "bastide",
	} {
		if !query.Has(key) {
			query.Set(key, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

func openPostgres(databaseURL string) (*sql.DB, error) {
	address, err := postgresAddress(databaseURL)
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(address)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not valid: %w", err)
	}
	db := sql.OpenDB(stmtcache.Wrap(connector))
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(postgresIdleTime)
	return db, nil
}
