//go:build unix

package store

import (
	"context"
	"errors"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/store/across"
)

func TestReadsStayInTheInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		users := s.Read().User
		if n, err := users.Query().Count(own.ctx); err != nil || n != 1 {
			t.Errorf("%d users, %v", n, err)
		}
		if found, err := users.Query().Where(user.UserID(other.user.UserID)).Exist(own.ctx); err != nil || found {
			t.Errorf("a foreign user is found by id: %v", err)
		}
		if _, err := users.Get(own.ctx, other.user.ID); !ent.IsNotFound(err) {
			t.Errorf("a foreign user is found by key: %v", err)
		}
		if ids, err := users.Query().IDs(own.ctx); err != nil || len(ids) != 1 || ids[0] != own.user.ID {
			t.Errorf("keys %v, %v", ids, err)
		}
		if names, err := users.Query().Select(user.FieldUserID).Strings(own.ctx); err != nil || len(names) != 1 {
			t.Errorf("names %v, %v", names, err)
		}
		var groups []struct {
			Type  string
			Count int
		}
		if err := users.Query().GroupBy(user.FieldType).Aggregate(ent.Count()).Scan(own.ctx, &groups); err != nil || len(groups) != 1 || groups[0].Count != 1 {
			t.Errorf("groups %v, %v", groups, err)
		}
		if n, err := s.Read().Instance.Query().QueryOrganizations().QueryUsers().Count(own.ctx); err != nil || n != 1 {
			t.Errorf("%d users by way of the instance, %v", n, err)
		}
		if found, err := s.Read().Organization.QueryUsers(other.organization).Exist(own.ctx); err != nil || found {
			t.Errorf("users of a foreign organization are found: %v", err)
		}
	})
}

func TestChangesStayInTheInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		for name, change := range map[string]func(context.Context, *Tx) (int, error){
			"update": func(ctx context.Context, tx *Tx) (int, error) {
				return tx.User.Update().Where(user.ID(other.user.ID)).SetUserName("x").Save(ctx)
			},
			"update one": func(ctx context.Context, tx *Tx) (int, error) {
				return missing(tx.User.UpdateOne(other.user).SetUserName("x").Exec(ctx))
			},
			"update one by key": func(ctx context.Context, tx *Tx) (int, error) {
				return missing(tx.User.UpdateOneID(other.user.ID).SetUserName("x").Exec(ctx))
			},
			"update what another client found": func(ctx context.Context, tx *Tx) (int, error) {
				row, err := tx.User.Query().Where(user.ID(other.user.ID)).Only(other.ctx)
				if err != nil {
					return 0, err
				}
				return missing(row.Update().SetUserName("x").Exec(ctx))
			},
			"delete": func(ctx context.Context, tx *Tx) (int, error) {
				return tx.User.Delete().Where(user.ID(other.user.ID)).Exec(ctx)
			},
			"delete one": func(ctx context.Context, tx *Tx) (int, error) {
				return missing(tx.User.DeleteOne(other.user).Exec(ctx))
			},
		} {
			write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
				n, err := change(ctx, tx)
				if err != nil || n != 0 {
					t.Errorf("%s: %d rows, %v", name, n, err)
				}
				_, err = tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{})
				return err
			})
		}
		row, err := s.Read().User.Query().Only(other.ctx)
		if err != nil || row.UserName != other.user.UserName {
			t.Errorf("the foreign user is %v, %v", row, err)
		}
	})
}

// missing turns the answer of a change of one row into the number of rows.
func missing(err error) (int, error) {
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return 1, err
}

// A row is made in the instance of the context, whatever the code says.
func TestCreateStaysInTheInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			create := newOrganization(tx, own.instance, "second")
			create.SetInstanceID(other.instance.InstanceID)
			row, err := create.Save(ctx)
			if err != nil {
				return err
			}
			if row.InstanceID != own.instance.InstanceID {
				t.Errorf("the row belongs to %s", row.InstanceID)
			}
			_, err = tx.Record(ctx, OrgAdded, OrganizationObject(row), Payload{})
			return err
		})
		wantOrganizations(t, s, other, 1)
	})
}

func TestNoInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		newTenant(t, s, "one")
		ctx := t.Context()
		_, listed := s.Read().User.Query().All(ctx)
		_, counted := s.Read().Organization.Query().Count(ctx)
		_, position := s.Position(ctx)
		for name, err := range map[string]error{
			"list": listed, "count": counted, "position": position,
			"update": s.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.User.Update().SetUserName("x").Exec(ctx) }),
			"delete": s.Write(ctx, func(ctx context.Context, tx *Tx) error {
				_, err := tx.User.Delete().Exec(ctx)
				return err
			}),
			"create": s.Write(ctx, func(ctx context.Context, tx *Tx) error {
				return tx.Instance.Create().SetInstanceID("three").SetName("x").SetNameKey(nil).SetDefaultLanguage("en").Exec(ctx)
			}),
			"create across instances": s.Write(across.Instances(ctx), func(ctx context.Context, tx *Tx) error {
				return tx.Instance.Create().SetInstanceID("three").SetName("x").SetNameKey(nil).SetDefaultLanguage("en").Exec(ctx)
			}),
		} {
			if !errors.Is(err, errNoInstance) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if _, err := s.Read().WorkerLease.Query().Only(ctx); err != nil {
			t.Errorf("what belongs to the installation: %v", err)
		}
	})
}

// A host leads to an instance before any is known, by the door that is there
// for this.
func TestInstanceOnHost(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error {
			if _, err := tx.Record(ctx, InstanceDomainAdded, InstanceObject(own.instance), Payload{}); err != nil {
				return err
			}
			return tx.InstanceDomain.Create().SetTenant(own.instance).SetDomain("a.example").SetGenerated(false).SetIsPrimary(true).Exec(ctx)
		})
		for host, want := range map[string]string{"a.example": "one", "b.example": ""} {
			if id, err := s.InstanceOnHost(across.Instances(t.Context()), host); err != nil || id != want {
				t.Errorf("%s belongs to %q, %v; want %q", host, id, err, want)
			}
		}
		for _, ctx := range []context.Context{t.Context(), own.ctx} {
			_, err := s.InstanceOnHost(ctx, "a.example")
			wantIs(t, err, errNoInstance)
		}
	})
}

func TestAcrossInstances(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own := newTenant(t, s, "one")
		newTenant(t, s, "two")
		for name, ctx := range map[string]context.Context{
			"without an instance": across.Instances(t.Context()),
			"from an instance":    across.Instances(own.ctx),
			"then an instance":    caller.InInstance(across.Instances(t.Context()), "one"),
		} {
			if n, err := s.Read().User.Query().Count(ctx); err != nil || n != 2 {
				t.Errorf("%s: %d users, %v", name, n, err)
			}
		}
	})
}
