//go:build unix

package policy_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

func builtIn() policy.PasswordComplexityValues {
	return policy.PasswordComplexityValues{MinLength: 8, HasUppercase: true, HasLowercase: true, HasNumber: true, HasSymbol: true}
}

// The organization's values count, else those of its instance, else the
// built-in ones; what a row does not say is built in.
func TestGet(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		foreign, _ := d.Instance(t, "https://two.example")
		set := func(ctx context.Context, ownerID, kind, settings string) {
			d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.OwnerPolicy.Create().SetOwnerID(ownerID).SetKind(kind).SetSettings(json.RawMessage(settings)).Exec(ctx); err != nil {
					return err
				}
				instance, err := tx.Instance.Query().Only(ctx)
				if err != nil {
					return err
				}
				_, err = tx.Record(ctx, store.InstanceChanged, store.InstanceObject(instance), store.Payload{})
				return err
			})
		}
		want := func(step string, want policy.PasswordComplexityValues) {
			t.Helper()
			got, err := policy.Get(ctx, d.Store.Read().OwnerPolicy, policy.PasswordComplexity, org.OrganizationID)
			if err != nil || got != want {
				t.Errorf("%s: got %+v, %v; want %+v", step, got, err, want)
			}
		}
		values := builtIn()
		want("nobody decided", values)
		set(foreign, caller.InstanceOf(foreign).ID, "password_complexity", `{"minLength":1}`)
		set(foreign, org.OrganizationID, "password_complexity", `{"minLength":2}`)
		want("another instance decided", values)
		set(ctx, caller.InstanceOf(ctx).ID, "domain", `{"userLoginMustBeDomain":true}`)
		set(ctx, "another organization", "password_complexity", `{"minLength":3}`)
		want("something else was decided", values)
		set(ctx, caller.InstanceOf(ctx).ID, "password_complexity", `{"minLength":12,"hasSymbol":false}`)
		values.MinLength, values.HasSymbol = 12, false
		want("the instance decided", values)
		set(ctx, org.OrganizationID, "password_complexity", `{"minLength":20}`)
		values = builtIn()
		values.MinLength = 20
		want("the organization decided", values)
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			domains, err := policy.Get(ctx, tx.OwnerPolicy, policy.Domain, org.OrganizationID)
			if !domains.UserLoginMustBeDomain {
				t.Error("the instance's domain policy does not count in a transaction")
			}
			return err
		})
	})
}

func TestGetWhatCannotBeRead(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		if _, err := policy.Get(t.Context(), d.Store.Read().OwnerPolicy, policy.Domain, org.OrganizationID); err == nil {
			t.Error("a policy was read without an instance")
		}
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			row := tx.OwnerPolicy.Create().SetOwnerID(org.OrganizationID).SetKind("domain").SetSettings(json.RawMessage(`{"userLoginMustBeDomain":"yes"}`))
			if err := row.Exec(ctx); err != nil {
				return err
			}
			_, err := tx.Record(ctx, store.OrgAdded, store.OrganizationObject(org), store.Payload{})
			return err
		})
		if values, err := policy.Get(ctx, d.Store.Read().OwnerPolicy, policy.Domain, org.OrganizationID); err == nil {
			t.Errorf("settings of the wrong type were read as %+v", values)
		}
	})
}
