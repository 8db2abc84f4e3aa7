//go:build unix

package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/migrate"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store/across"
)

// fill gives a tenant a row for every foreign key of the schema.
func fill(t *testing.T, s *Store, own tenant) {
	t.Helper()
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{}); err != nil {
			return err
		}
		err := tx.OwnerPolicy.Create().SetOwnerID(own.organization.OrganizationID).SetKind("k").SetSettings([]byte("{}")).Exec(ctx)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(pointing)) {
			for _, table := range migrate.Tables {
				for _, key := range table.ForeignKeys {
					if table.Name+"."+key.Columns[0].Name != name {
						continue
					}
					if err := pointing[name](ctx, tx, own, own.key(t, key.RefTable.Name)); err != nil {
						return err
					}
				}
			}
		}
		_, err = tx.Record(ctx, UserPATAdded, UserObject(own.user), Payload{Personal: map[string]any{"x": "y"}})
		return err
	})
}

// rows counts the rows of every table of an instance, whatever their state.
func rows(t *testing.T, s *Store, instanceID string) map[string]int {
	t.Helper()
	found := make(map[string]int)
	for entity, table := range tables {
		if ofInstallation(entity) {
			continue
		}
		var n int
		err := s.readDB.QueryRowContext(t.Context(), s.rebind(`SELECT count(*) FROM `+quote(table)+` WHERE instance_id = ?`), instanceID).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found[table] = n
		}
	}
	return found
}

func removeOrganization(t *testing.T, s *Store, own tenant, row *ent.Organization) {
	t.Helper()
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.Record(ctx, OrgRemoved, OrganizationObject(row), Payload{}); err != nil {
			return err
		}
		return tx.Organization.Update().Where(organization.ID(row.ID)).SetState(organization.StateRemoved).Exec(ctx)
	})
}

// Nothing of a removed organization is seen, of no table that says whose it is.
func TestRemovedOrganizationIsHidden(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		var stays *ent.Organization
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) (err error) {
			if stays, err = newOrganization(tx, own.instance, "stays").Save(ctx); err != nil {
				return err
			}
			member, err := newUser(tx, stays, "stays").Save(ctx)
			if err != nil {
				return err
			}
			_, err = tx.Membership.Create().SetUser(member).SetLevel(membership.LevelInstance).SetObjectID("one").SetRoles(nil).Save(ctx)
			if err != nil {
				return err
			}
			_, err = tx.Record(ctx, OrgAdded, OrganizationObject(stays), Payload{})
			return err
		})
		fill(t, s, own)
		fill(t, s, other)
		r := s.Read()
		// A query is confined each time that it runs, so each runs once.
		counts := map[string]func(context.Context) (int, error){
			"organizations":         func(ctx context.Context) (int, error) { return r.Organization.Query().Count(ctx) },
			"users":                 func(ctx context.Context) (int, error) { return r.User.Query().Count(ctx) },
			"organization_domains":  func(ctx context.Context) (int, error) { return r.OrganizationDomain.Query().Count(ctx) },
			"organization_metadata": func(ctx context.Context) (int, error) { return r.OrganizationMetadata.Query().Count(ctx) },
			"projects":              func(ctx context.Context) (int, error) { return r.Project.Query().Count(ctx) },
			"user_grants":           func(ctx context.Context) (int, error) { return r.UserGrant.Query().Count(ctx) },
			"memberships":           func(ctx context.Context) (int, error) { return r.Membership.Query().Count(ctx) },
			"personal_data":         func(ctx context.Context) (int, error) { return r.PersonalData.Query().Count(ctx) },
		}
		for table := range foreignKeys {
			for _, parent := range foreignKeys[table] {
				if parent == organization.Table && counts[table] == nil {
					t.Errorf("%s belongs to organizations and is not tested", table)
				}
			}
		}
		visible := func(ctx context.Context) map[string]int {
			found := make(map[string]int)
			for table, count := range counts {
				n, err := count(ctx)
				if err != nil {
					t.Fatal(err)
				}
				found[table] = n
			}
			return found
		}
		before, beside := visible(own.ctx), visible(other.ctx)
		for table, n := range before {
			if n == 0 {
				t.Errorf("the fixture has no row of %s", table)
			}
		}
		removeOrganization(t, s, own, own.organization)
		// "organizations.instance_pk" and "stays" made an organization each.
		if got, want := visible(own.ctx), map[string]int{
			"organizations": 2, "users": 1, "memberships": 1, "organization_domains": 0, "organization_metadata": 0,
			"projects": 0, "user_grants": 0, "personal_data": 0,
		}; !maps.Equal(got, want) {
			t.Errorf("visible is %v, want %v", got, want)
		}
		if got := visible(other.ctx); !maps.Equal(got, beside) {
			t.Errorf("of the other instance is visible %v, was %v", got, beside)
		}
	})
}

// Writers that come after the removal find the organization gone, though they
// read it before.
func TestRemovedOrganizationTakesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		removeOrganization(t, s, own, own.organization)
		err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.Record(ctx, OrgDomainAdded, OrganizationObject(own.organization), Payload{})
			return err
		})
		wantIs(t, err, fault.NotFound)
		err = s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{}); err != nil {
				return err
			}
			return newUser(tx, own.organization, "late").Exec(ctx)
		})
		if !isFault(err, fault.ReferenceBroken.With()) {
			t.Errorf("a user could be added: %v", err)
		}
	})
}

// eraseAll erases everything in batches of a size, and returns their number.
func eraseAll(t *testing.T, s *Store, limit int) (batches int) {
	t.Helper()
	for {
		removed, err := s.Removed(across.Instances(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if len(removed) == 0 {
			return batches
		}
		for _, r := range removed {
			for done := false; !done; batches++ {
				before := total(rows(t, s, r.InstanceID))
				write(t, s, caller.InInstance(t.Context(), r.InstanceID), func(ctx context.Context, tx *Tx) (err error) {
					done, err = tx.Erase(ctx, r, limit)
					return err
				})
				// What is left to be deleted is counted on every level.
				if gone := before - total(rows(t, s, r.InstanceID)); gone < 1 || gone > 5*limit {
					t.Fatalf("a batch of %d erased %d rows", limit, gone)
				}
			}
		}
	}
}

func total(rows map[string]int) (sum int) {
	for _, n := range rows {
		sum += n
	}
	return sum
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		fill(t, s, own)
		fill(t, s, other)
		before := rows(t, s, "two")
		removeOrganization(t, s, own, own.organization)
		if n := eraseAll(t, s, 2); n < 5 {
			t.Errorf("it took %d batches", n)
		}
		// What belongs to the instance stays.
		if got, want := rows(t, s, "one"), map[string]int{
			"instances": 1, "organizations": 1, "instance_domains": 1, "instance_trusted_domains": 1, "signing_keys": 1, "used_assertions": 1,
			"events": 4,
		}; !maps.Equal(got, want) {
			t.Errorf("left is %v, want %v", got, want)
		}
		if got := rows(t, s, "two"); !maps.Equal(got, before) {
			t.Errorf("the other instance has %v, had %v", got, before)
		}
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, InstanceRemoved, InstanceObject(own.instance), Payload{}); err != nil {
				return err
			}
			return tx.Instance.Update().SetState(instance.StateRemoved).Exec(ctx)
		})
		if n, err := s.Read().Instance.Query().Count(across.Instances(t.Context())); err != nil || n != 1 {
			t.Errorf("%d instances are seen, %v", n, err)
		}
		err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "late") })
		wantIs(t, err, fault.NotFound)
		eraseAll(t, s, 1)
		if got, want := rows(t, s, "one"), map[string]int{"events": 5}; !maps.Equal(got, want) {
			t.Errorf("left is %v, want %v", got, want)
		}
		if got := rows(t, s, "two"); !maps.Equal(got, before) {
			t.Errorf("the other instance has %v, had %v", got, before)
		}
	})
}

func TestRemovedNeedsTheDoor(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		if _, err := s.Removed(own.ctx); !errors.Is(err, errNoInstance) {
			t.Errorf("got %v", err)
		}
	})
}

// EraseUsers frees what users of removed organizations hold, and touches nobody
// else.
func TestEraseUsers(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		fill(t, s, own)
		fill(t, s, other)
		erase := func() {
			t.Helper()
			write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
				return tx.EraseUsers(ctx, user.NameKeyIn(own.user.NameKey, other.user.NameKey))
			})
		}
		before := rows(t, s, "one")
		erase()
		if got := rows(t, s, "one"); !maps.Equal(got, before) {
			t.Errorf("of an organization that is there was erased: %v, was %v", got, before)
		}
		removeOrganization(t, s, own, own.organization)
		beside := rows(t, s, "two")
		erase()
		got := rows(t, s, "one")
		if got["users"] != before["users"]-1 || got["access_tokens"] != before["access_tokens"]-1 || got["projects"] != before["projects"] {
			t.Errorf("left is %v, was %v", got, before)
		}
		if got := rows(t, s, "two"); !maps.Equal(got, beside) {
			t.Errorf("the other instance has %v, had %v", got, beside)
		}
	})
}
