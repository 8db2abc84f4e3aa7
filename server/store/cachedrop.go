package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"

	"github.com/bastide-id/bastide/ent"
)

// cachedKinds are the types of rows whose changes and removals caches may depend
// on. Every process tells the others of them, whatever it holds itself, for
// others may hold more.
var cachedKinds = map[string]bool{
	ent.TypeAccessToken:         true,
	ent.TypeApplication:         true,
	ent.TypeApplicationKey:      true,
	ent.TypeInstance:            true,
	ent.TypeInstanceDomain:      true,
	ent.TypeMachineKey:          true,
	ent.TypeOrganization:        true,
	ent.TypeOrganizationDomain:  true,
	ent.TypePersonalAccessToken: true,
	ent.TypeProject:             true,
	ent.TypeSigningKey:          true,
	ent.TypeUser:                true,
	ent.TypeUserGrant:           true,
	UserCounts:                  true,
}

// UserCounts stands for the changes that are counted on users: a cache names it
// whose answers tell when a user was last changed. The first count of a user is
// that of the user being added, which is no change.
const UserCounts = "count of changes of " + ent.TypeUser

// addedKinds are those of the cached kinds of which an added row is told like one
// that is changed: an answer may say that there is none.
var addedKinds = map[string]bool{ent.TypeUserGrant: true}

// change says that rows of a kind were changed or removed in an instance; in all
// of them if it is empty.
type change struct{ kind, instanceID string }

// touch notes a change that the transaction makes. ent's hooks call it; whoever
// changes rows past them does it as well. A sequence that is counted is none,
// nor is an added row but of addedKinds: no answer depends on these.
func (tx *Tx) touch(ctx context.Context, kind string) error {
	if !cachedKinds[kind] {
		return nil
	}
	instanceID, err := scope(ctx)
	if err != nil {
		return err
	}
	tx.touched[change{kind, instanceID}] = true
	return nil
}

// touchCounted notes that changes were counted on an object, up to a sequence.
func (tx *Tx) touchCounted(ctx context.Context, table string, sequence int64) error {
	if table != tables[ent.TypeUser] || sequence == 1 {
		return nil
	}
	return tx.touch(ctx, UserCounts)
}

// caches knows which caches depend on which kinds of rows.
type caches struct {
	// serving is false while this process may miss what others change.
	serving atomic.Bool

	mu sync.RWMutex
	of map[string][]*generations // by kind
}

func (c *caches) add(g *generations, kinds []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string][]*generations)
	}
	for _, kind := range kinds {
		if !cachedKinds[kind] {
			panic(fmt.Sprintf("store: nobody is told of changes of %q", kind))
		}
		c.of[kind] = append(c.of[kind], g)
	}
}

// touched is what a change touches in a cache.
type touched struct {
	*generations
	*mark
}

// by returns what the changes touch.
func (c *caches) by(changes map[change]bool) (all []touched) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for change := range changes {
		for _, g := range c.of[change.kind] {
			all = append(all, touched{g, g.markOf(change.instanceID)})
		}
	}
	return all
}

// hold keeps everybody from what the changes touch while they are committed:
// else one reader could find in the database what the next does not find in the
// cache. What it returns drops the answers, whatever became of the commit, and
// lets new ones be given.
func (c *caches) hold(changes map[change]bool) (release func()) {
	held := c.by(changes)
	for _, t := range held {
		t.changing.Add(1)
	}
	return func() {
		for _, t := range held {
			t.drop(t.mark)
			t.changing.Add(-1)
		}
	}
}

// drop drops the answers that depend on what changed.
func (c *caches) drop(changes map[change]bool) {
	for _, t := range c.by(changes) {
		t.drop(t.mark)
	}
}

// dropAll drops every answer.
func (c *caches) dropAll() {
	all := make(map[change]bool, len(cachedKinds))
	for kind := range cachedKinds {
		all[change{kind: kind}] = true
	}
	c.drop(all)
}

// stripes is how many marks a cache has. Instances that share one are dropped
// together, which costs a query and nothing else.
const stripes = 1 << 10

// generations counts the drops of a cache. An answer carries the number of the
// drop before which it was asked for; nothing is looked through for a drop.
type generations struct {
	now atomic.Uint64
	mu  sync.Mutex // held by who drops
	all mark
	of  [stripes]mark
}

// mark tells when what depends on some instances was last dropped.
type mark struct {
	dropped  atomic.Uint64
	changing atomic.Int32
}

// markOf returns the mark of an instance; that of all of them if it is empty.
func (g *generations) markOf(instanceID string) *mark {
	if instanceID == "" {
		return &g.all
	}
	h := fnv.New32a()
	h.Write([]byte(instanceID))
	return &g.of[h.Sum32()%stripes]
}

// drop makes everything old that was asked for until now.
func (g *generations) drop(m *mark) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.dropped.Store(g.now.Add(1))
}

// holds reports whether an answer that was asked for in a generation is good
// still. Who commits comes before who drops, so it is looked for first.
func (g *generations) holds(m *mark, began uint64) bool {
	return m.changing.Load() == 0 && g.all.changing.Load() == 0 &&
		began >= m.dropped.Load() && began >= g.all.dropped.Load()
}
