package store

import (
	"context"
	"sync"

	"github.com/bastide-id/bastide/server/caller"
)

// DefaultCacheSize is how many entries a cache holds unless Options say
// otherwise.
const DefaultCacheSize = 10_000

// Cache holds answers of the database that are asked for all the time. In the
// process that wrote, a read that begins after Write has returned never gets
// what was there before; in other processes it may, until they hear of the
// change, unless its call is told to ask the database (caller.Consistency). It is
// safe for concurrent use.
//
// It holds only what was found, and only what a row that is added cannot change,
// but for the kinds of which that is told as well.
// It knows no time: whoever gets an answer that expires looks at the clock. An
// answer is shared, so nobody changes it.
type Cache[K comparable, V any] struct {
	caches *caches
	load   func(context.Context, K) (V, bool, error)
	// keep tells which answers are held; nil where all are.
	keep func(V) bool
	// owner tells the instance of an answer; nil where it is that of the context.
	owner func(V) string
	size  int
	drops generations

	mu      sync.RWMutex
	entries map[cacheKey[K]]cacheEntry[V]
}

// cacheKey keeps the instances apart; the instance is empty where it is the
// answer that tells it.
type cacheKey[K comparable] struct {
	instanceID string
	key        K
}

type cacheEntry[V any] struct {
	value V
	// began is the generation in which the value was asked for, mark what tells
	// whether a drop came since.
	began uint64
	mark  *mark
}

// NewCache returns a cache of what load finds in the instance of its context.
// The kinds are the types of all rows that an answer depends on: when one is
// changed or removed, the answers of its instance are dropped. load reads what
// is committed, so it never looks into a transaction; it reports whether there
// is an answer.
//
// It panics for a kind that is not in the list of those whose changes are told
// to other processes.
func NewCache[K comparable, V any](s *Store, load func(context.Context, K) (V, bool, error), kinds ...string) *Cache[K, V] {
	c := &Cache[K, V]{caches: &s.caches, load: load, size: s.options.CacheSize, entries: make(map[cacheKey[K]]cacheEntry[V])}
	s.caches.add(&c.drops, kinds)
	return c
}

// NewCacheAcross is NewCache for answers that are looked for in all instances,
// each of which depends on rows of one instance only: the one that owner tells.
func NewCacheAcross[K comparable, V any](s *Store, owner func(V) string, load func(context.Context, K) (V, bool, error), kinds ...string) *Cache[K, V] {
	c := NewCache(s, load, kinds...)
	c.owner = owner
	return c
}

// Only has the cache hold those answers alone that keep is true for: none that
// is too large, or that an added row would change. It returns the cache, and is
// called before any Get.
func (c *Cache[K, V]) Only(keep func(V) bool) *Cache[K, V] {
	c.keep = keep
	return c
}

// Get returns the answer for the key in the instance of ctx, and whether there
// is one. The errors are those of load.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (value V, found bool, err error) {
	if value, found, err = c.Held(ctx, key); found || err != nil {
		return value, found, err
	}
	return c.Ask(ctx, key)
}

// Held returns the answer for the key in the instance of ctx if it is held, and
// asks no database.
func (c *Cache[K, V]) Held(ctx context.Context, key K) (value V, held bool, err error) {
	k, err := c.key(ctx, key)
	if err != nil || !c.serves() || caller.IsBehind(ctx) {
		return value, false, err
	}
	c.mu.RLock()
	e, there := c.entries[k]
	c.mu.RUnlock()
	if !there || !c.drops.holds(e.mark, e.began) {
		return value, false, nil
	}
	return e.value, true, nil
}

// Ask is Get, but asks the database in any case. What it finds is held.
func (c *Cache[K, V]) Ask(ctx context.Context, key K) (value V, found bool, err error) {
	k, err := c.key(ctx, key)
	if err != nil {
		return value, false, err
	}
	if !c.serves() {
		return c.load(ctx, key)
	}
	began := c.drops.now.Load()
	if value, found, err = c.load(ctx, key); err == nil && found && (c.keep == nil || c.keep(value)) {
		e := cacheEntry[V]{value: value, began: began}
		if c.owner == nil {
			e.mark = c.drops.markOf(k.instanceID)
		} else {
			e.mark = c.drops.markOf(c.owner(value))
		}
		c.put(k, e)
	}
	return value, found, err
}

// serves reports whether answers are held now.
func (c *Cache[K, V]) serves() bool { return c.size > 0 && c.caches.serving.Load() }

func (c *Cache[K, V]) key(ctx context.Context, key K) (k cacheKey[K], err error) {
	k.key = key
	if c.owner == nil {
		if k.instanceID, err = scope(ctx); err == nil && k.instanceID == "" {
			err = errNoInstance
		}
	}
	return k, err
}

// put keeps an answer, in place of any other one if there is no room. One that
// was overtaken by a drop is not kept; should the drop come in this very moment,
// Get sees that it did.
func (c *Cache[K, V]) put(k cacheKey[K], e cacheEntry[V]) {
	if !c.drops.holds(e.mark, e.began) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before, there := c.entries[k]
	if there && before.began > e.began {
		return
	}
	if !there && len(c.entries) >= c.size {
		for other := range c.entries { // the map begins anywhere
			delete(c.entries, other)
			break
		}
	}
	c.entries[k] = e
}
