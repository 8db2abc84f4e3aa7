package store

import (
	"context"

	"github.com/bastide-id/bastide/server/caller"
)

// barrierKind stands in a notification where a changed row has its kind. No
// answer depends on it, so other processes pass it over.
const barrierKind = "barrier"

// barrier is a notification of this process to itself. Notifications come in the
// order in which their transactions committed, so once it is back, all is heard
// that was committed before it was sent.
// https://www.postgresql.org/docs/current/sql-notify.html
type barrier struct {
	text string
	// asked are the positions that callers knew of before it was sent.
	asked map[caller.Position]struct{}
	ended chan struct{} // closed once it is back, or cannot come any more
}

// confirm sends barriers while positions are asked for, one at a time, until ctx
// ends.
func (l *listener) confirm(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.positions.wake:
		}
		b := l.positions.begin()
		if l.caches.serving.Load() { // else nobody hears it
			l.send(ctx, b)
		}
		l.positions.lost(b)
	}
}

// send sends a barrier and waits for it as long as for any answer of the
// database. Where it fails, the listener tells why, or whoever asks the database
// instead; it is sent anew when a position is asked for again.
func (l *listener) send(ctx context.Context, b *barrier) {
	ctx, cancel := context.WithTimeout(ctx, l.pace.answer)
	defer cancel()
	// It changes nothing that has to outlive the database.
	_, err := l.db.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, changesChannel, b.text)
	if err != nil {
		return
	}
	select {
	case <-b.ended:
	case <-ctx.Done():
	}
}

// begin returns a barrier for the positions that were asked for until now.
func (ps *positions) begin() *barrier {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	nonce := caller.NewPosition().String()
	ps.barrier = &barrier{
		text:  notification(map[change]bool{{kind: barrierKind, instanceID: nonce}: true}),
		asked: ps.asked,
		ended: make(chan struct{}),
	}
	ps.asked = nil
	return ps.barrier
}

// back remembers what a barrier was sent for, if a notification is the one that
// is under way.
func (ps *positions) back(notification string) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	b := ps.barrier
	if b == nil || b.text != notification {
		return false
	}
	ps.remember(b.asked)
	ps.end(b)
	return true
}

// lost gives up a barrier, unless it came back; the one that is under way if it
// is nil.
func (ps *positions) lost(b *barrier) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.barrier != nil && (b == nil || b == ps.barrier) {
		ps.end(ps.barrier)
	}
}

// end is called by who holds the lock.
func (ps *positions) end(b *barrier) {
	close(b.ended)
	ps.barrier = nil
}
