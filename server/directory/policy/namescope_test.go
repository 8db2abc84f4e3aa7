//go:build unix

package policy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// newMachine adds a machine user to an organization.
func newMachine(ctx context.Context, d *tokentest.Directory, in *ent.Organization, name string) error {
	p, err := user.NewUsers(d.Store, nil).Prepare(ctx, user.New{UserName: name, Machine: &user.Machine{Name: name}}, in.OrganizationID, user.Paths{})
	if err != nil {
		return err
	}
	return d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := p.Save(ctx, tx, in)
		return err
	})
}

func mustBeDomain(must bool) func(*policy.DomainValues) {
	return func(v *policy.DomainValues) { v.UserLoginMustBeDomain = must }
}

// A change of the policy waits for a user that is being made by the former one.
func TestPolicyChangesAfterTheUserIsMade(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		p, err := user.NewUsers(d.Store, nil).Prepare(ctx, user.New{UserName: "robot", Machine: &user.Machine{Name: "Robot"}}, org.OrganizationID, user.Paths{})
		if err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		changed := make(chan error, 1)
		d.Write(t, ctx, func(inside context.Context, tx *store.Tx) error {
			if _, _, err := p.Save(inside, tx, org); err != nil {
				return err
			}
			once.Do(func() {
				go func() {
					_, _, err := policy.Update(ctx, d.Store, policy.Domain, "", mustBeDomain(true))
					changed <- err
				}()
			})
			for d.Postgres && len(changed) == 0 && !isAwaited(t, inside, tx) {
				runtime.Gosched()
			}
			return nil
		})
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		if row, err := user.Get(ctx, d.Store.Read().User, p.ID); err != nil || row.NameScope != org.OrganizationID {
			t.Errorf("the user has the scope %q, %v", row.NameScope, err)
		}
	})
}

// A change of the policy waits for a user who is being renamed, and counts the new
// name.
func TestPolicyChangesAfterTheUserIsRenamed(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		in, err := d.Store.Read().Instance.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := policy.Update(ctx, d.Store, policy.Domain, "", mustBeDomain(true)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(newMachine(ctx, d, org, "one"), newMachine(ctx, d, d.Organization(t, ctx, in), "two")); err != nil {
			t.Fatal(err)
		}
		two, err := d.Store.Read().User.Query().Where(entuser.UserName("two")).Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		changed := make(chan error, 1)
		d.Write(t, ctx, func(inside context.Context, tx *store.Tx) error {
			if _, err := user.Rename(inside, tx, two, "ONE"); err != nil {
				return err
			}
			once.Do(func() {
				go func() {
					_, _, err := policy.Update(ctx, d.Store, policy.Domain, "", mustBeDomain(false))
					changed <- err
				}()
			})
			for d.Postgres && len(changed) == 0 && !isAwaited(t, inside, tx) {
				runtime.Gosched()
			}
			return nil
		})
		var refused *fault.Fault
		if err := <-changed; !errors.As(err, &refused) || refused.ID() != fault.LoginNamesClash.ID() {
			t.Errorf("the policy was changed with %v", err)
		}
	})
}

// isAwaited reports whether another transaction of the database waits for a lock.
func isAwaited(t *testing.T, ctx context.Context, tx *store.Tx) (awaited bool) {
	t.Helper()
	rows, err := tx.QueryContext(ctx, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err != nil {
		t.Fatal(err)
	}
	awaited = rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return awaited
}

// Whoever makes a user while the policy changes is before or after that: no user
// is left with a name of the other kind.
func TestUsersMadeWhileThePolicyChanges(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		of, err := d.Store.Read().Instance.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		custom := d.Organization(t, ctx, of)
		if _, _, err := policy.Add(ctx, d.Store, policy.Domain, custom.OrganizationID, mustBeDomain(true)); err != nil {
			t.Fatal(err)
		}
		const writers, users, flips = 6, 25, 9
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for n := range users {
					in := []*ent.Organization{org, custom}[n%2]
					if err := newMachine(ctx, d, in, fmt.Sprintf("user %d.%d", w, n)); err != nil {
						t.Errorf("a user was not made: %v", err)
					}
				}
			})
		}
		for i, organizationID := range []string{"", custom.OrganizationID} {
			all.Go(func() {
				for n := range flips {
					if _, _, err := policy.Update(ctx, d.Store, policy.Domain, organizationID, mustBeDomain((n+i)%2 == 0)); err != nil {
						t.Errorf("the policy of %q was not changed: %v", organizationID, err)
					}
				}
			})
		}
		all.Wait()
		// The last flip of the instance was to domains, the organization's away from them.
		inherited, errInherited := d.Store.Read().User.Query().Where(entuser.NameScope(org.OrganizationID)).Count(ctx)
		own, errOwn := d.Store.Read().User.Query().Where(entuser.NameScope(""), entuser.OrganizationPk(custom.ID)).Count(ctx)
		if err := errors.Join(errInherited, errOwn); err != nil {
			t.Fatal(err)
		}
		if inherited+own != writers*users {
			t.Errorf("%d and %d users follow their policy: want %d together", inherited, own, writers*users)
		}
	})
}

// Two that give one organization a policy, or take it, are not both told that
// they did.
func TestChangesAtOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		race := func(step string, other fault.Kind, f func() error) {
			t.Helper()
			const callers = 5
			errs := make([]error, callers)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = f() })
			}
			all.Wait()
			done := 0
			for _, err := range errs {
				if err == nil {
					done++
				} else if !errors.Is(err, other) {
					t.Errorf("%s: %v", step, err)
				}
			}
			if done != 1 {
				t.Errorf("%s: %d of %d callers did it", step, done, callers)
			}
		}
		set := func(attempts uint64) func(*policy.LockoutValues) {
			return func(v *policy.LockoutValues) { v.MaxPasswordAttempts = attempts }
		}
		race("add", fault.AlreadyExists, func() error {
			_, _, err := policy.Add(ctx, d.Store, policy.Lockout, org.OrganizationID, set(1))
			return err
		})
		race("update", fault.FailedPrecondition, func() error {
			_, _, err := policy.Update(ctx, d.Store, policy.Lockout, org.OrganizationID, set(2))
			return err
		})
		race("reset", fault.NotFound, func() error {
			_, _, err := policy.Reset(ctx, d.Store, policy.Lockout, org.OrganizationID)
			return err
		})
		race("update of the instance", fault.FailedPrecondition, func() error {
			_, _, err := policy.Update(ctx, d.Store, policy.Lockout, "", set(3))
			return err
		})
	})
}

// A hundred thousand users follow the policy in one call. The store ends a
// transaction that takes longer than a call may.
func TestManyUsersFollow(t *testing.T) {
	if os.Getenv("BASTIDE_TEST_LONG") == "" {
		t.Skip("BASTIDE_TEST_LONG is not set")
	}
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		const users, batch = 100_000, 1000
		ctx, org := d.Instance(t, "https://one.example")
		for from := 0; from < users; from += batch {
			d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
				rows := make([]*ent.UserCreate, batch)
				for i := range rows {
					name := fmt.Sprintf("user%d", from+i)
					rows[i] = tx.User.Create().SetUserID(name).SetOrganizationPk(org.ID).SetResourceOwner(org.OrganizationID).
						SetType(entuser.TypeMachine).SetUserName(name).SetNameKey(store.Key(name)).
						SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).SetDisplayNameKey([]byte{}).SetEmailKey([]byte{})
				}
				if err := tx.User.CreateBulk(rows...).Exec(ctx); err != nil {
					return err
				}
				_, err := tx.Record(ctx, store.OrgChanged, store.OrganizationObject(org), store.Payload{})
				return err
			})
		}
		for step, change := range []func() (store.Change, time.Time, error){
			func() (store.Change, time.Time, error) {
				return policy.Update(ctx, d.Store, policy.Domain, "", mustBeDomain(true))
			},
			func() (store.Change, time.Time, error) {
				return policy.Add(ctx, d.Store, policy.Domain, org.OrganizationID, mustBeDomain(false))
			},
			func() (store.Change, time.Time, error) {
				return policy.Reset(ctx, d.Store, policy.Domain, org.OrganizationID)
			},
		} {
			if _, _, err := change(); err != nil {
				t.Fatal(err)
			}
			scope := []string{org.OrganizationID, ""}[step%2]
			if n, err := d.Store.Read().User.Query().Where(entuser.NameScope(scope)).Count(ctx); err != nil || n != users {
				t.Errorf("after change %d, %d users follow, %v", step, n, err)
			}
		}
	})
}
