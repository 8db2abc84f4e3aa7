package server_test

import (
	"bytes"
	"cmp"
	"context"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// cut stands between the server and PostgreSQL. Once armed it ends the
// connection that commits, and the answer is lost; the commit is lost as well
// if it is told so.
type cut struct {
	armed, swallow atomic.Bool
}

// through returns the address of a database to which carry carries each
// connection of a client.
func through(t *testing.T, database server.Secret, carry func(client net.Conn, network, target string)) server.Secret {
	t.Helper()
	u, err := url.Parse(string(database))
	if err != nil {
		t.Fatal(err)
	}
	network, target := "tcp", u.Host
	query := u.Query()
	if dir := query.Get("host"); dir != "" {
		network, target = "unix", filepath.Join(dir, ".s.PGSQL."+cmp.Or(query.Get("port"), "5432"))
		query.Del("host")
		query.Del("port")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go carry(client, network, target)
		}
	}()
	query.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), query.Encode()
	return server.Secret(u.String())
}

// address returns the address of a database through the cut.
func (c *cut) address(t *testing.T, database server.Secret) server.Secret {
	t.Helper()
	return through(t, database, c.carry)
}

func (c *cut) carry(client net.Conn, network, target string) {
	defer client.Close()
	backend, err := net.Dial(network, target)
	if err != nil {
		return
	}
	defer backend.Close()
	var lost atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := backend.Read(buffer)
			if err != nil || lost.Load() {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("COMMIT")) && c.armed.CompareAndSwap(true, false) {
			lost.Store(true)
			if c.swallow.Load() {
				return
			}
		}
		if _, err := backend.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// When the answer to the commit is lost, the database is asked before anything
// is given up.
func TestFirstRunCommitIsNotAnswered(t *testing.T) {
	for name, swallow := range map[string]bool{"done": false, "not done": true} {
		t.Run(name, func(t *testing.T) {
			p := servertest.Empty(t, servertest.Postgres)
			direct, c := p.Database, &cut{}
			c.swallow.Store(swallow)
			through := c.address(t, p.Database)
			s, err := server.New(context.Background(), p.Config(func(config *server.Config) {
				config.Database = through
				server.AtFirstRunStep(config, func(step string) error {
					if step == committing {
						c.armed.Store(true)
					}
					return nil
				})
			}))
			if c.armed.Load() {
				t.Fatal("nothing was committed")
			}
			if (err != nil) != swallow {
				t.Errorf("the server started: %v", err)
			}
			p.Database = direct
			if err != nil {
				checkFirst(t, p)
				return
			}
			if !s.FirstRun() {
				t.Error("the server does not know of its first run")
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			again := p.Start(t)
			servertest.OK(again.First(t).Owner.Auth.GetMyUser(t.Context(), nil))(t)
			servertest.OK(again.AsSystem(t).System.ListInstances(t.Context(), nil))(t)
		})
	}
}
