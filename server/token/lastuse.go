package token

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

const (
	// lastUseBound bounds what waits to be written. When a token was last used
	// is a hint: more than this are left out until the next time.
	lastUseBound = 10_000
	lastUseEvery = 30 * time.Second
	// lastUseBatch bounds a transaction, for others wait for it.
	lastUseBatch = 500
)

// lastUse writes down when personal access tokens were last used, many at a
// time, so that a read is no write.
type lastUse struct {
	store *store.Store
	log   *slog.Logger
	every time.Duration

	mu   sync.Mutex
	used map[usedToken]time.Time

	first chan struct{} // has one while there is something to write
	stop  context.CancelFunc
	done  sync.WaitGroup
	ended context.Context
}

type usedToken struct {
	instanceID string
	key        int64
}

// NoteUse remembers that a token was used just now, if it is a personal access
// token of the instance of ctx: of these is told when they were last used.
func (t *Tokens) NoteUse(ctx context.Context, b Bearer) {
	if b.Kind == id.PersonalAccessToken {
		t.lastUse.note(usedToken{instanceID: caller.InstanceOf(ctx).ID, key: b.tokenKey}, t.store.Now())
	}
}

func newLastUse(s *store.Store, log *slog.Logger) *lastUse {
	l := &lastUse{
		store: s,
		log:   log,
		every: lastUseEvery,
		used:  make(map[usedToken]time.Time),
		first: make(chan struct{}, 1),
	}
	l.ended, l.stop = context.WithCancel(context.Background())
	return l
}

// note remembers that a token was used.
func (l *lastUse) note(token usedToken, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.used[token]
	if !known && len(l.used) >= lastUseBound || known && !before.Before(at) {
		return
	}
	l.used[token] = at
	select {
	case l.first <- struct{}{}:
	default:
	}
}

func (l *lastUse) start() {
	l.done.Add(1)
	go func() {
		defer l.done.Done()
		l.run()
	}()
}

// run sleeps until a token is used, and writes a while later.
func (l *lastUse) run() {
	for {
		select {
		case <-l.ended.Done():
			return
		case <-l.first:
		}
		select {
		case <-l.ended.Done():
			return
		case <-time.After(l.every):
		}
		if err := l.flush(l.ended); err != nil {
			l.log.Warn("when tokens were last used could not be written; it will be tried again", "error", err)
		}
	}
}

// close ends run and writes what is left.
func (l *lastUse) close() error {
	l.stop()
	l.done.Wait()
	return l.flush(context.Background())
}

// flush writes what was noted. What could not be written is noted again.
func (l *lastUse) flush(ctx context.Context) error {
	l.mu.Lock()
	used := l.used
	l.used = make(map[usedToken]time.Time)
	l.mu.Unlock()

	// Sorted, so that two processes do not wait for each other in a circle.
	tokens := slices.SortedFunc(maps.Keys(used), func(a, b usedToken) int {
		return cmp.Or(cmp.Compare(a.instanceID, b.instanceID), cmp.Compare(a.key, b.key))
	})
	var errs []error
	for len(tokens) > 0 {
		n := batch(tokens)
		if err := l.write(ctx, tokens[:n], used); err != nil {
			errs = append(errs, err)
			for _, token := range tokens[:n] {
				l.note(token, used[token])
			}
		}
		tokens = tokens[n:]
	}
	return errors.Join(errs...)
}

// batch returns how many of the first tokens can be written together: those of
// one instance, not too many.
func batch(tokens []usedToken) int {
	n := 1
	for n < min(len(tokens), lastUseBatch) && tokens[n].instanceID == tokens[0].instanceID {
		n++
	}
	return n
}

// write sets the time on tokens of one instance. One that was removed since is
// passed over, and a later time from another process stays.
func (l *lastUse) write(ctx context.Context, tokens []usedToken, used map[usedToken]time.Time) error {
	ctx = caller.WithInstance(ctx, caller.Instance{ID: tokens[0].instanceID})
	return l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, token := range tokens {
			at := used[token]
			err := tx.PersonalAccessToken.Update().
				Where(
					personalaccesstoken.ID(token.key),
					personalaccesstoken.Or(personalaccesstoken.LastUsedAtIsNil(), personalaccesstoken.LastUsedAtLT(at)),
				).
				SetLastUsedAt(at).
				Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
