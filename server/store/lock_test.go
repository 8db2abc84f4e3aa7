//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"entgo.io/ent/dialect"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

// A lock holds until the transaction ends: what another one counted under the
// lock is still true when it acts on it.
func TestLock(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		const most = 5
		var all sync.WaitGroup
		for i := range 4 * most {
			all.Go(func() {
				err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
					if err := tx.Lock(ctx, InstanceObject(own.instance)); err != nil {
						return err
					}
					if n, err := tx.Organization.Query().Count(ctx); err != nil || n == most {
						return err
					}
					return addOrganization(ctx, tx, own, "org"+string(rune('a'+i)))
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantOrganizations(t, s, own, most)
	})
}

// remove removes an instance and erases all that belongs to it.
func remove(s *Store, own tenant) error {
	return s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.LockToRemove(ctx, InstanceObject(own.instance)); err != nil {
			return err
		}
		if _, err := tx.Record(ctx, InstanceRemoved, InstanceObject(own.instance), Payload{}); err != nil {
			return err
		}
		for {
			done, err := tx.Erase(ctx, Removed{row: InstanceObject(own.instance).row}, removedPage)
			if done || err != nil {
				return err
			}
		}
	})
}

// Whoever adds to an instance while it is removed is before or after that, and
// nothing is left behind.
func TestRemovalBesideWriters(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const rounds, writers = 5, 8
		for round := range rounds {
			own := newTenant(t, s, fmt.Sprintf("instance %d", round))
			var all sync.WaitGroup
			for i := range writers {
				all.Go(func() {
					for n := range 10 {
						err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
							name := fmt.Sprintf("%d.%d.%d", round, i, n)
							if i%2 == 0 {
								return addOrganization(ctx, tx, own, name)
							}
							row, err := newUser(tx, own.organization, name).Save(ctx)
							if err == nil {
								_, err = tx.Record(ctx, UserMachineAdded, UserObject(row), Payload{})
							}
							return err
						})
						// Only SQLite asks for the parent, where PostgreSQL asks for the instance.
						if err != nil && !errors.Is(err, fault.NotFound) && !(s.dialect == dialect.SQLite && isFault(err, fault.ReferenceBroken.With())) {
							t.Errorf("a writer got %v", err)
						}
					}
				})
			}
			removed := make([]error, 2)
			for i := range removed {
				all.Go(func() { removed[i] = remove(s, own) })
			}
			all.Wait()
			if (removed[0] == nil) == (removed[1] == nil) || !errors.Is(errors.Join(removed...), fault.NotFound) {
				t.Errorf("two removals ended with %v", removed)
			}
		}
		left, err := s.Read().User.Query().Count(across.Instances(t.Context()))
		organizations, err2 := s.Read().Organization.Query().Count(across.Instances(t.Context()))
		if err := errors.Join(err, err2); err != nil || left+organizations != 0 {
			t.Errorf("%d users and %d organizations are left, %v", left, organizations, err)
		}
	})
}

// In an instance that is gone nothing can be changed, whichever way.
func TestChangesOfAnInstanceThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		if err := remove(s, own); err != nil {
			t.Fatal(err)
		}
		changes := map[string]func(context.Context, *Tx) error{
			"record": func(ctx context.Context, tx *Tx) error {
				_, err := tx.Record(ctx, UserPATAdded, UserObject(own.user), Payload{})
				return err
			},
			"record on the instance": func(ctx context.Context, tx *Tx) error {
				_, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{})
				return err
			},
		}
		if s.dialect == dialect.Postgres {
			changes["lock"] = func(ctx context.Context, tx *Tx) error { return tx.Lock(ctx, UserObject(own.user)) }
			changes["lock to remove"] = func(ctx context.Context, tx *Tx) error { return tx.LockToRemove(ctx, InstanceObject(own.instance)) }
			changes["create"] = func(ctx context.Context, tx *Tx) error {
				return tx.OwnerPolicy.Create().SetOwnerID("one").SetKind("x").SetSettings([]byte("{}")).Exec(ctx)
			}
		}
		for name, change := range changes {
			if err := s.Write(own.ctx, change); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		// When tokens were last used is written later, of those that are left.
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			return tx.PersonalAccessToken.Update().SetLastUsedAt(tx.Now()).Exec(ctx)
		})
		if s.dialect == dialect.Postgres {
			err := s.Write(other.ctx, func(ctx context.Context, tx *Tx) error {
				return tx.Lock(ctx, UserObject(&ent.User{ID: 1 << 40, UserID: "nobody"}))
			})
			wantIs(t, err, fault.NotFound)
		}
	})
}

// While a rule over an instance is looked at others may add to it: only those
// wait that look at a rule, or count on the same object.
func TestLockLetsOthersAdd(t *testing.T) {
	s := open(t, Options{URL: newPostgres(t)})
	own := newTenant(t, s, "one")
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.Lock(ctx, InstanceObject(own.instance)); err != nil {
			return err
		}
		if err := tx.Lock(ctx, OrganizationObject(own.organization)); err != nil {
			return err
		}
		// Another transaction, that ends before this one does.
		return s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
			row, err := newUser(tx, own.organization, "second").Save(ctx)
			if err == nil {
				_, err = tx.Record(ctx, UserMachineAdded, UserObject(row), Payload{})
			}
			return err
		})
	})
}
