package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/lib/pq"
)

// pace says how a listener passes its time.
type pace struct {
	// beat is how often the connection is tried, answer how long that may take.
	// A connection that was cut without a word is noticed after both.
	beat, answer time.Duration
	// pause is how long it waits after a connection was lost; it doubles until
	// longest while no other one is to be had.
	pause, longest time.Duration
}

var usualPace = pace{beat: 2 * time.Second, answer: 3 * time.Second, pause: 100 * time.Millisecond, longest: 5 * time.Second}

// listener hears what other processes on a PostgreSQL database change. While it
// does not, nothing is served from caches.
type listener struct {
	address   string
	db        *sql.DB
	caches    *caches
	positions *positions
	log       *slog.Logger
	pace      pace
	stop      context.CancelFunc
	done      sync.WaitGroup
	mu        sync.Mutex // held by who turns the serving on or off
}

// listen starts a listener that connects as the pool does.
func (s *Store) listen(p pace) (*listener, error) {
	address, err := postgresAddress(s.options.URL)
	if err != nil {
		return nil, err
	}
	l := &listener{address: address, db: s.writeDB, caches: &s.caches, positions: s.positions, log: s.options.Log, pace: p}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.run(ctx) })
	l.done.Go(func() { l.confirm(ctx) })
	return l, nil
}

// close ends the listener. Nothing is served from caches any more.
func (l *listener) close() {
	l.stop()
	l.done.Wait()
}

// run listens until ctx ends, on one connection after the other.
func (l *listener) run(ctx context.Context) {
	silent := false // the log says so
	for pause := l.pace.pause; ; pause = min(2*pause, l.pace.longest) {
		listened, err := l.hear(ctx, func() {
			if silent {
				l.log.Info("changes by other processes are heard again: caches are in use")
			}
			silent = false
		})
		if ctx.Err() != nil {
			return
		}
		if !silent {
			l.log.Warn("changes by other processes are not heard: caches are out of use until they are", "error", err)
			silent = true
		}
		if listened {
			pause = l.pace.pause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// hear listens on a new connection until it is lost or ctx ends, and returns
// why, and whether it ever listened. It calls listening when it does.
func (l *listener) hear(ctx context.Context, listening func()) (listened bool, err error) {
	c, err := l.connect(ctx)
	if err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, c.close)()
	ended := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		err = c.ask("LISTEN "+pq.QuoteIdentifier(changesChannel), l.pace.answer, l.pass)
		if err == nil {
			if listened = l.serve(ended); listened {
				listening()
			}
			err = c.keep(l.pace, ended, l.pass)
		}
		c.close()
	})
	for n := range c.notifications {
		if !l.positions.back(n.Extra) {
			l.caches.heard(n.Extra)
		}
	}
	l.mu.Lock()
	close(ended)
	l.caches.serving.Store(false)
	l.mu.Unlock()
	l.positions.lost(nil)
	beating.Wait()
	return listened, cmp.Or(err, c.Err())
}

// serve lets answers be served from caches, but none of those that are there:
// nobody knows what changed meanwhile. It does not for a connection that ended.
func (l *listener) serve(ended <-chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-ended:
		return false
	default:
	}
	l.caches.dropAll()
	l.caches.serving.Store(true)
	return true
}

// pass has everybody pass by the caches.
func (l *listener) pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caches.serving.Store(false)
}

// listening is a connection that hears notifications.
type listening struct {
	*pq.ListenerConn
	notifications chan *pq.Notification // closed with the connection
}

// connect opens a connection. One that comes after ctx has ended is closed.
func (l *listener) connect(ctx context.Context) (listening, error) {
	type opened struct {
		listening
		err error
	}
	result := make(chan opened, 1)
	go func() {
		o := opened{listening: listening{notifications: make(chan *pq.Notification, 64)}}
		o.ListenerConn, o.err = pq.NewListenerConn(l.address, o.notifications)
		result <- o
	}()
	select {
	case o := <-result:
		return o.listening, o.err
	case <-ctx.Done():
		go func() {
			if o := <-result; o.err == nil {
				o.close()
				for range o.notifications {
				}
			}
		}()
		return listening{}, ctx.Err()
	}
}

// close ends the connection; more than once does no harm.
func (c listening) close() { _ = c.Close() }

// errSilent says that a connection is as good as lost.
var errSilent = errors.New("the database does not answer on the connection of notifications")

// ask runs a statement. late is called, and the connection closed, when the
// answer does not come in time.
func (c listening) ask(statement string, within time.Duration, late func()) error {
	timer := time.AfterFunc(within, func() {
		late()
		c.close()
	})
	_, err := c.ExecSimpleQuery(statement)
	if !timer.Stop() {
		return errSilent
	}
	return err
}

// keep tries the connection now and then, until it has ended.
func (c listening) keep(p pace, ended <-chan struct{}, late func()) error {
	ticker := time.NewTicker(p.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-ticker.C:
		}
		if err := c.ask("", p.answer, late); err != nil {
			return err
		}
	}
}
