package server_test

import (
	"testing"
	"time"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// A server that starts deletes what expired before.
func TestExpiredTokensAreSwept(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		owner := []byte(readSecrets(t, s.DataDir)[server.OwnerKeyFile])
		s.Exchange(t, "localhost", owner)
		s.Stop(t)
		s.Exec(t, `UPDATE access_tokens SET expires_at = '2020-01-01 00:00:00+00:00'`)
		s.Restart(t)
		for end := time.Now().Add(20 * time.Second); s.Rows(t)["access_tokens"] > 0; {
			if time.Now().After(end) {
				t.Fatal("an expired token stays")
			}
		}
	})
}
