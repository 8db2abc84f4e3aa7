//go:build unix

package grant_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/event"
	entuser "github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// shop makes a project with roles.
func shop(t *testing.T, ctx context.Context, d *tokentest.Directory, org *ent.Organization, roles ...string) (made *ent.Project) {
	t.Helper()
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := project.Add(ctx, tx, org, "shop", project.Settings{Name: "Shop"}); err != nil {
			return err
		}
		var err error
		if made, err = project.Lock(ctx, tx, "shop"); err != nil {
			return err
		}
		for _, role := range roles {
			if _, err := project.AddRoles(ctx, tx, made, project.Role{Key: role}); err != nil {
				return err
			}
		}
		return nil
	})
	return made
}

// A role is taken from grants by its exact key, and each grant tells what it has
// left.
func TestTakeRole(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		keys := []string{`a`, `a"`, `<a>`, `A`, `1`, `null`, `ä`}
		of := shop(t, ctx, d, org, keys...)
		all, one := d.Machine(t, ctx, org), d.Machine(t, ctx, org)
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Add(ctx, tx, "all", of, all, keys)
			if err == nil {
				_, err = grant.Add(ctx, tx, "one", of, one, []string{`ä`})
			}
			return err
		})
		for n, key := range []string{`null`, `a"`, `<a>`, `1`, `a`, `ä`} {
			d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error { return grant.TakeRole(ctx, tx, of, key) })
			keys = slices.DeleteFunc(keys, func(k string) bool { return k == key })
			row, err := d.Store.Read().UserGrant.Query().Where(usergrant.GrantID("all")).Only(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(row.RoleKeys, keys) || row.Sequence != int64(n+2) {
				t.Errorf("without %s the roles are %q after %d changes", key, row.RoleKeys, row.Sequence)
			}
			told, err := d.Store.Read().Event.Query().Where(event.AggregateID("all")).Order(ent.Desc(event.FieldID)).First(ctx)
			if err != nil || told.Type != string(store.UserGrantCascadeChanged) || fmt.Sprint(told.Payload["roleKeys"]) != fmt.Sprint(keys) {
				t.Errorf("the history tells %v, %v", told, err)
			}
		}
		last, err := d.Store.Read().Event.Query().Where(event.AggregateID("one")).Order(ent.Desc(event.FieldID)).First(ctx)
		if err != nil || last.Type != string(store.UserGrantCascadeRemoved) || last.Sequence != 2 {
			t.Errorf("the history of the other grant ends with %v, %v", last, err)
		}
		if n, err := d.Store.Read().UserGrant.Query().Count(ctx); err != nil || n != 1 {
			t.Errorf("%d grants are left, %v", n, err)
		}
	})
}

// grantMany makes users who are granted roles of a project, the first role to all
// and the second to every other one.
func grantMany(t *testing.T, ctx context.Context, d *tokentest.Directory, org *ent.Organization, of *ent.Project, users int) {
	t.Helper()
	const batch = 1000
	for from := 0; from < users; from += batch {
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			people, grants := make([]*ent.UserCreate, batch), make([]*ent.UserGrantCreate, batch)
			for i := range people {
				name := fmt.Sprintf("user%d", from+i)
				people[i] = tx.User.Create().SetUserID(name).SetOrganizationPk(org.ID).SetResourceOwner(org.OrganizationID).
					SetType(entuser.TypeMachine).SetUserName(name).SetNameKey(store.Key(name)).
					SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).SetDisplayNameKey([]byte{}).SetEmailKey([]byte{})
			}
			rows, err := tx.User.CreateBulk(people...).Save(ctx)
			if err != nil {
				return err
			}
			for i, row := range rows {
				grants[i] = tx.UserGrant.Create().SetGrantID("grant of " + row.UserID).SetOrganizationPk(org.ID).SetResourceOwner(org.OrganizationID).
					SetUserPk(row.ID).SetProjectPk(of.ID).SetRoleKeys([]string{"a", "b"}[:1+i%2])
			}
			if err := tx.UserGrant.CreateBulk(grants...).Exec(ctx); err != nil {
				return err
			}
			_, err = tx.Record(ctx, store.OrgChanged, store.OrganizationObject(org), store.Payload{})
			return err
		})
	}
}

// A role, and a project, can be removed however many are granted it. The store
// ends a transaction that takes longer than a call may.
func TestManyGrantsGo(t *testing.T) {
	if os.Getenv("BASTIDE_TEST_LONG") == "" {
		t.Skip("BASTIDE_TEST_LONG is not set")
	}
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		const users = 100_000
		ctx, org := d.Instance(t, "https://one.example")
		of := shop(t, ctx, d, org, "a", "b")
		grantMany(t, ctx, d, org, of, users)
		for step, remove := range []func(context.Context, *store.Tx) error{
			func(ctx context.Context, tx *store.Tx) error {
				_, _, err := project.RemoveRole(ctx, tx, of, "a")
				return err
			},
			func(ctx context.Context, tx *store.Tx) error {
				_, err := project.Remove(ctx, tx, of)
				return err
			},
		} {
			began := time.Now()
			d.Write(t, ctx, remove)
			t.Logf("step %d took %v", step, time.Since(began))
			if n, err := d.Store.Read().UserGrant.Query().Count(ctx); err != nil || n != []int{users / 2, 0}[step] {
				t.Errorf("after step %d, %d grants are left, %v", step, n, err)
			}
		}
		if n, err := d.Store.Read().Event.Query().Where(event.AggregateType(store.UserGrantType)).Count(ctx); err != nil || n != users+users/2 {
			t.Errorf("the history tells of %d changes, %v", n, err)
		}
	})
}
