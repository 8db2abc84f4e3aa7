package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/servertest/postgres"
)

// ready asks whether the server can serve, and is alive.
func ready(t *testing.T, s *servertest.Server) (ready, alive int) {
	t.Helper()
	status := func(path string) int {
		response, err := s.HTTP().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	return status("/debug/ready"), status("/debug/healthz")
}

// separate returns a server on a PostgreSQL of its own, which can be stopped.
func separate(t *testing.T) (*servertest.Server, *postgres.Server) {
	t.Helper()
	database, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := database.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := database.Create(t.Context(), "bastide")
	if err != nil {
		t.Fatal(err)
	}
	p := servertest.Empty(t, servertest.SQLite)
	p.Kind, p.Database = servertest.Postgres, server.Secret(url)
	return p.Start(t), database
}

// manyReads makes calls at once, so that the server uses many connections.
func manyReads(t *testing.T, c *servertest.Caller) {
	t.Helper()
	atOnce(20, func(int) {
		if _, err := c.Auth.GetMyUser(context.Background(), nil); err != nil {
			t.Error(err)
		}
	})
}

// While PostgreSQL is away calls are answered with Unavailable. Once it is back
// the very next call works, on whatever connection.
func TestPostgresGoesAway(t *testing.T) {
	s, database := separate(t)
	owner := s.As(s.OwnerToken)
	for _, name := range []string{"first", "second"} {
		manyReads(t, owner)
		if err := database.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			servertest.Refused(t, err, connect.CodeUnavailable, "database.down")
		})
		if status, _ := owner.REST(t, http.MethodGet, "/auth/v1/users/me", ""); status != http.StatusServiceUnavailable {
			t.Errorf("REST answers %d", status)
		}
		_, err := s.AsSystem(t).System.CreateInstance(t.Context(), newInstance(name))
		servertest.Refused(t, err, connect.CodeUnavailable, "database.down")
		_, err = owner.Auth.Healthz(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnavailable, "database.down")
		if ready, alive := ready(t, s); ready != http.StatusServiceUnavailable || alive != http.StatusOK {
			t.Errorf("ready: %d, alive: %d", ready, alive)
		}
		if err := database.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		manyReads(t, owner)
		if ready, alive := ready(t, s); ready != http.StatusOK || alive != http.StatusOK {
			t.Errorf("back again, ready: %d, alive: %d", ready, alive)
		}
		s.NewInstance(t, name)
	}
}

// A PostgreSQL that went and came back between two calls nobody notices.
func TestPostgresRestarts(t *testing.T) {
	s, database := separate(t)
	manyReads(t, s.As(s.OwnerToken))
	for _, then := range []func(){
		func() { s.NewInstance(t, "acme") },
		func() { manyReads(t, s.As(s.OwnerToken)) },
	} {
		if err := database.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := database.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		then()
	}
}

func newInstance(name string) *systemv1.CreateInstanceRequest {
	return &systemv1.CreateInstanceRequest{InstanceName: name, Owner: &systemv1.CreateInstanceRequest_Machine_{
		Machine: &systemv1.CreateInstanceRequest_Machine{UserName: "owner", Name: "Owner"},
	}}
}

// Two processes serve one PostgreSQL: what one has written the other reads, and
// serves nothing else once it has heard of it.
func TestTwoProcesses(t *testing.T) {
	one := servertest.Installed(t, servertest.Postgres).Start(t)
	p := servertest.Empty(t, servertest.SQLite)
	p.Kind, p.Database = servertest.Postgres, one.Database
	two := p.Start(t, func(c *server.Config) { c.MasterKeyFile = filepath.Join(one.DataDir, "master.key") })
	i := one.NewInstance(t, "acme")
	me := servertest.OK(two.As(i.OwnerToken).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t)
	if me.GetUser().GetId() != i.OwnerID {
		t.Errorf("the other process reads %s", me.GetUser().GetId())
	}
	servertest.OK(one.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID}))(t)
	_, err := one.As(i.OwnerToken).On(i.Domain).Auth.GetMyUser(t.Context(), nil)
	servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
	err = nil
	for until := time.Now().Add(hearsWithin); err == nil && time.Now().Before(until); {
		_, err = two.As(i.OwnerToken).On(i.Domain).Auth.GetMyUser(t.Context(), nil)
	}
	servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
}

// hearsWithin is how long a process may take in a test to hear of what another
// one did.
const hearsWithin = 30 * time.Second

// On a full disk an instance is made whole or not at all, and reads go on.
func TestDiskIsFull(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	if err := s.Running.LimitPages(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c := s.AsSystem(t)
	create := func(n int) error {
		_, err := c.System.CreateInstance(t.Context(), newInstance(fmt.Sprint("n", n)))
		return err
	}
	var err error
	made := 0
	for ; err == nil && made < 1000; made++ { // as long as pages have room
		before := s.Rows(t)
		if err = create(made); err != nil {
			servertest.Refused(t, err, connect.CodeUnavailable, "database.full")
			servertest.SameRows(t, before, s.Rows(t))
		}
	}
	if err == nil {
		t.Fatal("the disk was never full")
	}
	servertest.OK(s.As(s.OwnerToken).Auth.GetMyUser(t.Context(), nil))(t)
	if err := s.Running.LimitPages(t.Context(), math.MaxInt32); err != nil {
		t.Fatal(err)
	}
	if err := create(made); err != nil {
		t.Errorf("once there is room again: %v", err)
	}
}

// begin sends a call without its body, and returns once the server waits for
// that.
func begin(t *testing.T, s *servertest.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	_, err = fmt.Fprintf(connection, "POST /zitadel.auth.v1.AuthService/GetMyUser HTTP/1.1\r\nHost: localhost\r\n"+
		"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", s.OwnerToken)
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusContinue {
		t.Fatalf("%v, %v", response, err)
	}
	return connection, reader
}

// A server that is stopped takes no more calls and ends those that it has.
func TestDrain(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		connection, reader := begin(t, s)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			s.Stop(t)
		}()
		for {
			another, err := net.Dial("tcp", s.Address)
			if err != nil {
				break
			}
			another.Close()
		}
		if _, err := io.WriteString(connection, "{}"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%v, %v", response, err)
		}
		<-stopped
	})
}

// A call that does not end in time is cut off.
func TestDrainTimeout(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		_, reader := begin(t, s)
		s.Stop(t)
		if response, err := http.ReadResponse(reader, nil); err == nil {
			t.Errorf("the call was answered %s", response.Status)
		}
	}, func(c *server.Config) { c.Limits.DrainTimeout = time.Millisecond })
}
