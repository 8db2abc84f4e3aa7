//go:build unix

package store

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// wire stands between a listener and PostgreSQL. It can be cut, swallow what is
// sent, or hold it back.
type wire struct {
	net.Listener
	mu         sync.Mutex
	cut, dumb  bool
	held       chan struct{} // closed when no longer held back; nil for not
	both       []net.Conn
	database   string
	databaseOf string
}

// newWire returns a wire to a database, and the address of its other end.
func newWire(t *testing.T, database string) (w *wire, address string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	w = &wire{database: u.Host, databaseOf: "tcp"}
	query := u.Query()
	if dir := query.Get("host"); dir != "" {
		w.database, w.databaseOf = filepath.Join(dir, ".s.PGSQL.5432"), "unix"
		query.Del("host")
	}
	query.Set("sslmode", "disable")
	query.Set("connect_timeout", "1")
	if w.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = w.Addr().String(), query.Encode()
	var carried sync.WaitGroup
	t.Cleanup(func() {
		w.Close()
		w.set(true, false)
		carried.Wait()
	})
	carried.Go(func() {
		for {
			client, err := w.Accept()
			if err != nil {
				return
			}
			carried.Go(func() { w.carry(client) })
		}
	})
	return w, u.String()
}

// set cuts the wire, or has it swallow all; or neither.
func (w *wire) set(cut, dumb bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.dumb = cut, dumb
	if cut {
		for _, c := range w.both {
			c.Close()
		}
		w.both = nil
	}
}

// hold holds back what is sent, until release is called or the test ends.
func (w *wire) hold(t *testing.T) (release func()) {
	t.Helper()
	held := make(chan struct{})
	w.mu.Lock()
	w.held = held
	w.mu.Unlock()
	release = sync.OnceFunc(func() {
		w.mu.Lock()
		w.held = nil
		w.mu.Unlock()
		close(held)
	})
	t.Cleanup(release)
	return release
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(w.databaseOf, w.database)
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	if w.cut {
		w.mu.Unlock()
		return
	}
	w.both = append(w.both, client, server)
	w.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(through{w, client}, server)
		client.Close()
	})
	_, _ = io.Copy(through{w, server}, client)
	server.Close()
	back.Wait()
}

// through writes to a connection what the wire lets through.
type through struct {
	*wire
	to net.Conn
}

func (t through) Write(p []byte) (int, error) {
	t.mu.Lock()
	dumb, held := t.dumb, t.held
	t.mu.Unlock()
	if held != nil {
		<-held
	}
	if dumb {
		return len(p), nil
	}
	return t.to.Write(p)
}

// wired opens a store that serves from its caches, and whose listener is at the
// end of a wire.
func wired(t *testing.T, url string, p pace) (*Store, *wire) {
	t.Helper()
	w, address := newWire(t, url)
	s := open(t, Options{URL: url})
	s.listener.close()
	s.options.URL = address
	var err error
	if s.listener, err = s.listen(p); err != nil {
		t.Fatal(err)
	}
	eventually(t, s.caches.serving.Load)
	return s, w
}
