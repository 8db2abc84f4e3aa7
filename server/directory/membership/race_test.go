//go:build unix

package membership_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/intercept"
	"github.com/bastide-id/bastide/ent/organization"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

const owner = "ORG_OWNER"

// add makes a user an owner of an organization.
func add(ctx context.Context, d *tokentest.Directory, in *ent.Organization, u *ent.User) error {
	return d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := membership.Add(ctx, tx, membership.OnOrganization(in), u, []string{owner})
		return err
	})
}

// leave ends a membership in an organization.
func leave(ctx context.Context, d *tokentest.Directory, in *ent.Organization, u *ent.User) error {
	return d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := membership.Remove(ctx, tx, membership.OnOrganization(in), u)
		return err
	})
}

// asSystem returns ctx for a caller who may give every role.
func asSystem(ctx context.Context) context.Context {
	return caller.With(ctx, caller.Caller{Kind: caller.System, ID: "test", Memberships: []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER", "IAM_OWNER"}}}})
}

// A user who is made an owner while taken out of service does not count as one
// for those who want to go meanwhile.
func TestOwnerWhoIsDeactivatedMeanwhile(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		ctx = asSystem(ctx)
		first, next := d.Machine(t, ctx, org), d.Machine(t, ctx, org)
		if err := add(ctx, d, org, first); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		replaced := make(chan error, 1)
		d.Write(t, ctx, func(inside context.Context, tx *store.Tx) error {
			if err := membership.KeepOwners(inside, tx, next); err != nil {
				return err
			}
			once.Do(func() {
				go func() { replaced <- errors.Join(add(ctx, d, org, next), leave(ctx, d, org, first)) }()
			})
			for d.Postgres && len(replaced) == 0 && !isAwaited(t, inside, tx) {
				runtime.Gosched()
			}
			_, err := user.Deactivate.Take(inside, tx, next)
			return err
		})
		if err := <-replaced; !errors.Is(err, fault.FailedPrecondition) {
			t.Errorf("the other owner went with %v", err)
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

// A user who is a member of an organization that is removed meanwhile can be
// removed all the same.
func TestUserGoesWhileTheOrganizationDoes(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		ctx = asSystem(ctx)
		in, err := d.Store.Read().Instance.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		goes, u := d.Organization(t, ctx, in), d.Machine(t, ctx, org)
		if err := errors.Join(add(ctx, d, goes, u), add(ctx, d, goes, d.Machine(t, ctx, org))); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		removed := make(chan error, 1)
		d.Write(t, ctx, func(inside context.Context, tx *store.Tx) error {
			if err := tx.LockToRemove(inside, store.OrganizationObject(goes)); err != nil {
				return err
			}
			once.Do(func() {
				go func() {
					removed <- d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
						_, err := membership.RemoveUser(ctx, tx, u)
						return err
					})
				}()
			})
			for d.Postgres && len(removed) == 0 && !isAwaited(t, inside, tx) {
				runtime.Gosched()
			}
			if _, err := tx.Record(inside, store.OrgRemoved, store.OrganizationObject(goes), store.Payload{}); err != nil {
				return err
			}
			return tx.Organization.Update().Where(organization.ID(goes.ID)).SetState(organization.StateRemoved).Exec(inside)
		})
		if err := <-removed; err != nil {
			t.Error(err)
		}
	})
}

// A list leaves out what is removed between its statements.
func TestListWhileRowsGo(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		in, err := d.Store.Read().Instance.Query().Only(ctx)
		if err != nil {
			t.Fatal(err)
		}
		second := d.Organization(t, ctx, in)
		stays, goes := d.Machine(t, ctx, org), d.Machine(t, ctx, org)
		for _, u := range []*ent.User{stays, goes} {
			if err := errors.Join(add(ctx, d, org, u), add(ctx, d, second, u)); err != nil {
				t.Fatal(err)
			}
		}
		unseen := func(column string, key int64) ent.Interceptor {
			return intercept.TraverseFunc(func(_ context.Context, q intercept.Query) error {
				q.WhereP(sql.FieldNEQ(column, key))
				return nil
			})
		}
		d.Store.Read().User.Intercept(unseen(entuser.FieldID, goes.ID))
		members, _, err := membership.List(ctx, d.Store, store.Page{}, membership.ByCreation, membership.WhereOrganization(org.OrganizationID))
		if err != nil || len(members) != 1 || members[0].User.ID != stays.ID {
			t.Errorf("the members are %v, %v", members, err)
		}
		d.Store.Read().Organization.Intercept(unseen(entuser.FieldID, second.ID))
		named, _, err := membership.ListOfUser(ctx, d.Store, stays.UserID, store.Page{})
		if err != nil || len(named) != 1 || named[0].Name != org.Name {
			t.Errorf("the memberships are %v, %v", named, err)
		}
	})
}
