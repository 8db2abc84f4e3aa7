//go:build unix

package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/membership"
	"github.com/bastide-id/bastide/ent/migrate"
	"github.com/bastide-id/bastide/ent/verificationcode"
	"github.com/bastide-id/bastide/server/fault"
)

// pointing has, for every foreign key of the schema, a row that is whole but
// for this key.
var pointing = map[string]func(ctx context.Context, tx *Tx, own tenant, key int64) error{
	"access_tokens.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.AccessToken.Create().SetUserPk(key).SetTokenID("t").SetAudience(nil).SetHash([]byte("h")).SetScopes(nil).SetExpiresAt(tx.Now()).Exec(ctx)
	},
	"instance_domains.instance_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.InstanceDomain.Create().SetInstancePk(key).SetDomain(own.instance.InstanceID + ".example").SetGenerated(false).SetIsPrimary(false).Exec(ctx)
	},
	"machine_keys.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.MachineKey.Create().SetUserPk(key).SetKeyID("k").SetPublicKey([]byte("k")).Exec(ctx)
	},
	"memberships.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.Membership.Create().SetUserPk(key).SetLevel(membership.LevelInstance).SetObjectID("one").SetRoles(nil).Exec(ctx)
	},
	"memberships.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.Membership.Create().SetOrganizationPk(key).SetUser(own.user).SetLevel(membership.LevelOrganization).SetObjectID("o").SetRoles(nil).Exec(ctx)
	},
	"organizations.instance_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.Organization.Create().SetInstancePk(key).SetOrganizationID("o").SetName("o").SetNameKey([]byte("o")).Exec(ctx)
	},
	"organization_domains.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.OrganizationDomain.Create().SetOrganizationPk(key).SetDomain("a.example").SetVerified(true).SetIsPrimary(false).Exec(ctx)
	},
	"organization_metadata.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.OrganizationMetadata.Create().SetOrganizationPk(key).SetKey("k").SetKeyKey([]byte("k")).SetContent([]byte("v")).Exec(ctx)
	},
	"passwords.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.Password.Create().SetUserPk(key).SetHash("h").SetChangeRequired(false).Exec(ctx)
	},
	"personal_access_tokens.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.PersonalAccessToken.Create().SetUserPk(key).SetTokenID("t").SetHash([]byte("h")).SetScopes(nil).Exec(ctx)
	},
	"personal_data.event_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.PersonalData.Create().SetEventPk(key).SetUserID("u").SetPayload(map[string]any{}).Exec(ctx)
	},
	"access_tokens.application_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.AccessToken.Create().SetApplicationPk(key).SetTokenID("t").SetAudience(nil).SetHash([]byte("of an application")).SetScopes(nil).SetExpiresAt(tx.Now()).Exec(ctx)
	},
	"used_assertions.instance_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.UsedAssertion.Create().SetInstancePk(key).SetHash([]byte("h")).SetExpiresAt(tx.Now()).Exec(ctx)
	},
	"signing_keys.instance_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.SigningKey.Create().SetInstancePk(key).SetKeyID("k").SetPrivateKey([]byte("k")).SetPublicKey([]byte("k")).SetAlgorithm("RS256").Exec(ctx)
	},
	"user_metadata.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.UserMetadata.Create().SetUserPk(key).SetKey("k").SetKeyKey([]byte("k")).SetContent([]byte("v")).Exec(ctx)
	},
	"users.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create := newUser(tx, own.organization, "u")
		create.SetOrganizationPk(key)
		return create.Exec(ctx)
	},
	"application_keys.application_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.ApplicationKey.Create().SetApplicationPk(key).SetKeyID("k").SetPublicKey([]byte("k")).Exec(ctx)
	},
	"instance_trusted_domains.instance_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.InstanceTrustedDomain.Create().SetInstancePk(key).SetDomain("a.example").Exec(ctx)
	},
	"project_roles.project_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.ProjectRole.Create().SetProjectPk(key).SetKey("k").SetKeyKey([]byte("k")).SetDisplayNameKey([]byte{}).Exec(ctx)
	},
	"verification_codes.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		return tx.VerificationCode.Create().SetUserPk(key).SetKind(verificationcode.KindEmail).SetHash([]byte("h")).SetExpiresAt(tx.Now()).Exec(ctx)
	},
	"applications.project_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create := newApplication(tx, own.project, "a")
		create.SetProjectPk(key)
		return create.Exec(ctx)
	},
	"projects.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create := newProject(tx, own.organization, "p")
		create.SetOrganizationPk(key)
		return create.Exec(ctx)
	},
	"user_grants.organization_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create, err := newGrant(ctx, tx, own, "organization_pk")
		if err != nil {
			return err
		}
		return create.SetOrganizationPk(key).Exec(ctx)
	},
	"user_grants.project_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create, err := newGrant(ctx, tx, own, "project_pk")
		if err != nil {
			return err
		}
		return create.SetProjectPk(key).Exec(ctx)
	},
	"user_grants.user_pk": func(ctx context.Context, tx *Tx, own tenant, key int64) error {
		create, err := newGrant(ctx, tx, own, "user_pk")
		if err != nil {
			return err
		}
		return create.SetUserPk(key).Exec(ctx)
	},
}

// newGrant returns a grant to a user of its own, so that there can be several.
func newGrant(ctx context.Context, tx *Tx, own tenant, name string) (*ent.UserGrantCreate, error) {
	u, err := newUser(tx, own.organization, name).Save(ctx)
	if err != nil {
		return nil, err
	}
	return tx.UserGrant.Create().SetOrganization(own.organization).SetProject(own.project).SetUser(u).
		SetGrantID(name).SetResourceOwner(own.organization.OrganizationID).SetRoleKeys(nil), nil
}

// key returns the primary key of the tenant's row of a table.
func (own tenant) key(t *testing.T, table string) int64 {
	t.Helper()
	switch table {
	case tables[ent.TypeInstance]:
		return own.instance.ID
	case tables[ent.TypeOrganization]:
		return own.organization.ID
	case tables[ent.TypeUser]:
		return own.user.ID
	case tables[ent.TypeProject]:
		return own.project.ID
	case tables[ent.TypeApplication]:
		return own.application.ID
	case tables[ent.TypeEvent]:
		return own.event.ID
	}
	t.Fatalf("the fixture has no row of %s", table)
	return 0
}

func TestEveryForeignKeyStaysInTheInstance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		var keys []string
		for _, table := range migrate.Tables {
			for _, key := range table.ForeignKeys {
				name := table.Name + "." + key.Columns[0].Name
				keys = append(keys, name)
				create := pointing[name]
				if create == nil {
					t.Errorf("%s: no case for this foreign key", name)
					continue
				}
				attempt := func(key int64) error {
					return s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
						if _, err := tx.Record(ctx, InstanceChanged, InstanceObject(own.instance), Payload{}); err != nil {
							return err
						}
						return create(ctx, tx, own, key)
					})
				}
				if err := attempt(other.key(t, key.RefTable.Name)); !isFault(err, fault.ReferenceBroken.With()) {
					t.Errorf("%s: a row of another instance: %v", name, err)
				}
				if err := attempt(1 << 40); !isFault(err, fault.ReferenceBroken.With()) {
					t.Errorf("%s: no row at all: %v", name, err)
				}
				if err := attempt(own.key(t, key.RefTable.Name)); err != nil {
					t.Errorf("%s: a row of its own instance: %v", name, err)
				}
			}
		}
		if surplus := len(pointing) - len(keys); surplus != 0 {
			t.Errorf("%d cases for foreign keys that the schema does not have", surplus)
		}
	})
}

func isFault(err error, want *fault.Fault) bool {
	found, ok := err.(*fault.Fault)
	return ok && found.ID() == want.ID()
}

// An edge can also be set from its other end, where the key that is written
// belongs to a row that no hook sees.
func TestEdgesAreSetWhereTheKeyIs(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
		var foreign *ent.Membership
		write(t, s, other.ctx, func(ctx context.Context, tx *Tx) (err error) {
			if _, err = tx.Record(ctx, InstanceMemberAdded, InstanceObject(other.instance), Payload{}); err != nil {
				return err
			}
			foreign, err = tx.Membership.Create().SetUser(other.user).SetLevel(membership.LevelInstance).SetObjectID("two").SetRoles([]string{"IAM_OWNER"}).Save(ctx)
			return err
		})
		for name, change := range map[string]func(context.Context, *Tx) error{
			"update": func(ctx context.Context, tx *Tx) error {
				return tx.Organization.UpdateOne(own.organization).AddMembershipIDs(foreign.ID).Exec(ctx)
			},
			"create": func(ctx context.Context, tx *Tx) error {
				return newOrganization(tx, own.instance, "second").AddMembershipIDs(foreign.ID).Exec(ctx)
			},
			"remove": func(ctx context.Context, tx *Tx) error {
				return tx.Organization.UpdateOne(own.organization).RemoveMembershipIDs(foreign.ID).Exec(ctx)
			},
			"clear": func(ctx context.Context, tx *Tx) error {
				return tx.Organization.UpdateOne(own.organization).ClearMemberships().Exec(ctx)
			},
		} {
			err := s.Write(own.ctx, func(ctx context.Context, tx *Tx) error {
				if _, err := tx.Record(ctx, OrgMemberAdded, OrganizationObject(own.organization), Payload{}); err != nil {
					return err
				}
				return change(ctx, tx)
			})
			if err == nil || !strings.Contains(err.Error(), "row that has the key") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		row, err := s.Read().Membership.Query().Only(other.ctx)
		if err != nil || row.OrganizationPk != nil {
			t.Errorf("the foreign membership is %v, %v", row, err)
		}
	})
}

func TestTablesAreThoseOfTheSchema(t *testing.T) {
	var want []string
	for _, table := range migrate.Tables {
		want = append(want, table.Name)
	}
	got := slices.Sorted(maps.Values(tables))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("tables has %v, the schema %v", got, want)
	}
	for name, table := range tables {
		i := slices.IndexFunc(migrate.Tables, func(of *schema.Table) bool { return of.Name == table })
		if i < 0 {
			continue
		}
		hasInstance := slices.ContainsFunc(migrate.Tables[i].Columns, func(c *schema.Column) bool { return c.Name == instanceColumn })
		if hasInstance == ofInstallation(name) {
			t.Errorf("%s: has a column %s: %v", table, instanceColumn, hasInstance)
		}
	}
}
