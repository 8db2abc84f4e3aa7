//go:build unix

package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store/across"
)

// names is a cache of the names of organizations by their ids, which counts how
// often the database was asked.
type names struct {
	*Cache[string, string]
	loads atomic.Int64
}

func newNames(s *Store, kinds ...string) *names {
	n := &names{}
	n.Cache = NewCache(s, func(ctx context.Context, organizationID string) (string, bool, error) {
		n.loads.Add(1)
		return nameOf(ctx, s, organizationID)
	}, kinds...)
	return n
}

func nameOf(ctx context.Context, s *Store, organizationID string) (string, bool, error) {
	row, err := s.Read().Organization.Query().Where(organization.OrganizationID(organizationID)).Only(ctx)
	if ent.IsNotFound(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return row.Name, true, nil
}

// want asks for the name, and fails unless it is the one, and was asked of the
// database so many times.
func (n *names) want(t *testing.T, of tenant, name string, loads int64) {
	t.Helper()
	before := n.loads.Load()
	got, found, err := n.Get(of.ctx, of.organization.OrganizationID)
	if err != nil || found != (name != "") || got != name {
		t.Errorf("got %q, %v, %v; want %q", got, found, err, name)
	}
	if asked := n.loads.Load() - before; asked != loads {
		t.Errorf("the database was asked %d times, not %d", asked, loads)
	}
}

// rename changes the organization and records it.
func rename(ctx context.Context, tx *Tx, of tenant, name string) error {
	err := tx.Organization.UpdateOneID(of.organization.ID).SetName(name).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Record(ctx, OrgChanged, OrganizationObject(of.organization), Payload{})
	return err
}

// hearNobody has the store serve from its caches, as the only process: what it says to
// others comes back to it at any time, and would drop again what is counted.
func hearNobody(t *testing.T, s *Store) {
	t.Helper()
	if s.listener != nil {
		s.listener.close()
	}
	s.caches.serving.Store(true)
}

// eachDeaf is each with a store that hears nobody.
func eachDeaf(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	each(t, func(t *testing.T, s *Store) {
		hearNobody(t, s)
		test(t, s)
	})
}

func TestCacheHoldsWhatWasFound(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		n := newNames(s, ent.TypeOrganization)
		n.want(t, own, "org of one", 1)
		n.want(t, own, "org of one", 0)
		// Another instance does not have it, which is asked each time.
		stranger := tenant{ctx: other.ctx, organization: own.organization}
		n.want(t, stranger, "", 1)
		n.want(t, stranger, "", 1)
		for _, ctx := range []context.Context{t.Context(), across.Instances(own.ctx)} {
			_, _, err := n.Get(ctx, own.organization.OrganizationID)
			wantIs(t, err, errNoInstance)
		}
		failed, fails := errors.New("failed"), true
		failing := NewCache(s, func(context.Context, int) (int, bool, error) {
			if fails {
				return 1, true, failed
			}
			return 2, true, nil
		})
		_, _, err := failing.Get(own.ctx, 1)
		wantIs(t, err, failed)
		fails = false
		if got, found, err := failing.Get(own.ctx, 1); got != 2 || !found || err != nil {
			t.Errorf("after an error: %d, %v, %v", got, found, err)
		}
	})
}

// changes are writes that change what is cached of an organization, or what it
// depends on.
var changes = map[string]struct {
	change func(ctx context.Context, tx *Tx, own, other tenant) error
	name   string // that the next read gets; empty for none
	both   bool   // instances are touched
}{
	"a row": {func(ctx context.Context, tx *Tx, own, _ tenant) error { return rename(ctx, tx, own, "new") }, "new", false},
	"many rows": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		return errors.Join(tx.Organization.Update().SetName("new").Exec(ctx), record(ctx, tx, own))
	}, "new", false},
	"another kind": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		return errors.Join(tx.User.UpdateOneID(own.user.ID).SetDescription("x").Exec(ctx), record(ctx, tx, own))
	}, "org of own", false},
	"deleted rows": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		_, err := tx.MachineKey.Delete().Exec(ctx)
		return errors.Join(err, record(ctx, tx, own))
	}, "org of own", false},
	"rows of all instances": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		err := tx.Organization.Update().Where(organization.ID(own.organization.ID)).SetName("new").Exec(across.Instances(ctx))
		return errors.Join(err, record(ctx, tx, own))
	}, "new", true},
	"rows of two instances": {func(ctx context.Context, tx *Tx, own, other tenant) error {
		err := tx.User.Update().SetDescription("x").Exec(caller.InInstance(ctx, other.instance.InstanceID))
		return errors.Join(err, rename(ctx, tx, own, "new"))
	}, "new", true},
	"the state of the row": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		return errors.Join(record(ctx, tx, own), tx.Organization.UpdateOneID(own.organization.ID).SetState(organization.StateRemoved).Exec(ctx))
	}, "", false},
	"rows erased": {func(ctx context.Context, tx *Tx, own, _ tenant) error {
		_, err := (&eraser{tx: tx, left: 100}).erase(ctx, tables[ent.TypeOrganization], []int64{own.organization.ID})
		return err
	}, "", false},
}

func record(ctx context.Context, tx *Tx, of tenant) error {
	_, err := tx.Record(ctx, OrgChanged, OrganizationObject(of.organization), Payload{})
	return err
}

// The very next read after a write sees it. What other instances have stays.
func TestCacheDropsWhatChanged(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		for what, test := range changes {
			t.Run(what, func(t *testing.T) {
				own, other := newTenant(t, s, "own of "+what), newTenant(t, s, "other of "+what)
				n := newNames(s, ent.TypeOrganization, ent.TypeUser, ent.TypeMachineKey)
				before, stays := own.organization.Name, other.organization.Name
				n.want(t, own, before, 1)
				n.want(t, other, stays, 1)
				write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return test.change(ctx, tx, own, other) })
				n.want(t, own, strings.ReplaceAll(test.name, "org of own", before), 1)
				loads := int64(0)
				if test.both {
					loads = 1
				}
				n.want(t, other, stays, loads)
				n.want(t, other, stays, 0)
			})
		}
	})
}

// Most writes drop nothing.
func TestCacheKeepsWhatDidNotChange(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		n := newNames(s, ent.TypeOrganization, ent.TypeUser, ent.TypeAccessToken, ent.TypePersonalAccessToken)
		n.want(t, own, "org of one", 1)
		undone := errors.New("undone")
		for what, f := range map[string]func(context.Context, *Tx) error{
			"nothing":            func(context.Context, *Tx) error { return nil },
			"a row that is new":  func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "second") },
			"a count of changes": func(ctx context.Context, tx *Tx) error { return record(ctx, tx, own) },
			"another kind": func(ctx context.Context, tx *Tx) error {
				return errors.Join(tx.Project.UpdateOneID(own.project.ID).SetName("x").Exec(ctx), record(ctx, tx, own))
			},
			"an access token": func(ctx context.Context, tx *Tx) error {
				return tx.AccessToken.Create().SetTokenID("t").SetAudience(nil).SetUser(own.user).SetHash([]byte("h")).SetScopes(nil).SetExpiresAt(tx.Now()).Exec(ctx)
			},
			"the last use of tokens": func(ctx context.Context, tx *Tx) error {
				return tx.PersonalAccessToken.Update().SetLastUsedAt(tx.Now()).Exec(ctx)
			},
			"what is undone": func(ctx context.Context, tx *Tx) error { return errors.Join(rename(ctx, tx, own, "new"), undone) },
		} {
			if err := s.Write(own.ctx, f); err != nil && !errors.Is(err, undone) {
				t.Fatalf("%s: %v", what, err)
			}
			n.want(t, own, "org of one", 0)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	for size, held := range map[int]int{3: 3, -1: 0, 0: 100} {
		s := open(t, Options{URL: t.TempDir() + "/bastide.db", CacheSize: size})
		ctx, loads := caller.InInstance(t.Context(), "one"), 0
		c := NewCache(s, func(_ context.Context, key int) (int, bool, error) {
			loads++
			return key, true, nil
		}, ent.TypeUser)
		for key := range 100 {
			for range 2 {
				if got, _, _ := c.Get(ctx, key); got != key {
					t.Fatalf("got %d for %d", got, key)
				}
			}
		}
		if len(c.entries) != held {
			t.Errorf("with the size %d there are %d entries, not %d", size, len(c.entries), held)
		}
		if want := 100; size < 0 && loads != 2*want || size >= 0 && loads != want {
			t.Errorf("with the size %d the database was asked %d times", size, loads)
		}
	}
}

// An answer that is looked for in all instances goes with its own one.
func TestCacheAcross(t *testing.T) {
	eachDeaf(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		loads := 0
		itself := func(instanceID string) string { return instanceID }
		c := NewCacheAcross(s, itself, func(_ context.Context, of tenant) (string, bool, error) {
			loads++
			return of.instance.InstanceID, true, nil
		}, ent.TypeOrganization)
		want := func(of tenant, asked int) {
			t.Helper()
			loads = 0
			if got, _, err := c.Get(t.Context(), of); err != nil || got != of.instance.InstanceID || loads != asked {
				t.Errorf("got %q, %v, asked %d times; want %d", got, err, loads, asked)
			}
		}
		want(own, 1)
		want(other, 1)
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "new") })
		want(other, 0)
		want(own, 1)
		want(own, 0)
	})
}

// A cache that depends on a kind that nobody is told of would grow old elsewhere.
func TestCacheOfAKindThatIsNotTold(t *testing.T) {
	s := open(t, Options{URL: t.TempDir() + "/bastide.db"})
	defer func() {
		if recover() == nil {
			t.Error("it was accepted")
		}
	}()
	newNames(s, ent.TypeEvent)
}

func TestCachedKindsAreOfInstances(t *testing.T) {
	for kind := range cachedKinds {
		if tables[kind] == "" && kind != UserCounts || ofInstallation(kind) {
			t.Errorf("%s", kind)
		}
	}
}
