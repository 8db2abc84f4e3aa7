//go:build unix

package user_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/password"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// directory is an instance with an organization.
type directory struct {
	*tokentest.Directory
	ctx   context.Context
	org   *ent.Organization
	users *user.Users
}

func each(t *testing.T, test func(*testing.T, directory)) {
	t.Helper()
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, org := d.Instance(t, "https://one.example")
		test(t, directory{Directory: d, ctx: ctx, org: org, users: user.NewUsers(d.Store, password.NewHasher(1))})
	})
}

// second makes another organization of the instance.
func (d directory) second(t *testing.T) *ent.Organization {
	t.Helper()
	instance, err := d.Store.Read().Instance.Query().Only(d.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return d.Organization(t, d.ctx, instance)
}

// add saves a machine user.
func (d directory) add(t *testing.T, in *ent.Organization, id, name string) (row *ent.User, err error) {
	t.Helper()
	prepared, err := d.users.Prepare(d.ctx, user.New{ID: id, UserName: name, Machine: &user.Machine{Name: name}}, in.OrganizationID, user.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Store.Write(d.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		row, _, err = prepared.Save(ctx, tx, in)
		return err
	})
	return row, err
}

// mustBeDomain makes login names of the owner end with a domain.
func (d directory) mustBeDomain(t *testing.T, ownerID string) {
	t.Helper()
	d.Write(t, d.ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.OwnerPolicy.Create().SetOwnerID(ownerID).SetKind("domain").SetSettings(json.RawMessage(`{"userLoginMustBeDomain":true}`)).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.OrgAdded, store.OrganizationObject(d.org), store.Payload{})
		return err
	})
}

func (d directory) addDomain(t *testing.T, of *ent.Organization, name string, verified, primary bool) {
	t.Helper()
	d.Write(t, d.ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.OrganizationDomain.Create().SetOrganization(of).SetDomain(name).SetVerified(verified).SetIsPrimary(primary).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.Record(ctx, store.OrgDomainAdded, store.OrganizationObject(of), store.Payload{})
		return err
	})
}

func TestLoginNames(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		plain, err := d.add(t, d.org, "", "Robot")
		if err != nil {
			t.Fatal(err)
		}
		second, bare := d.second(t), d.second(t)
		d.mustBeDomain(t, second.OrganizationID)
		d.mustBeDomain(t, bare.OrganizationID)
		d.addDomain(t, second, "a.example", true, false)
		d.addDomain(t, second, "b.example", false, false)
		d.addDomain(t, second, "c.example", true, true)
		d.addDomain(t, d.org, "d.example", true, true)
		scoped, err := d.add(t, second, "", "robot") // the name is free in this organization
		if err != nil {
			t.Fatal(err)
		}
		another, err := d.add(t, second, "", "Zoë")
		if err != nil {
			t.Fatal(err)
		}
		nameless, err := d.add(t, bare, "", "robot")
		if err != nil {
			t.Fatal(err)
		}
		names, err := user.LoginNamesOf(d.ctx, d.Store, plain, scoped, nameless, another)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][]string{{"Robot"}, {"robot@c.example", "robot@a.example"}, nil, {"Zoë@c.example", "Zoë@a.example"}} {
			if !slices.Equal(names[i].All, want) || names[i].Preferred != strings.Join(want[:min(1, len(want))], "") {
				t.Errorf("user %d: got %+v, want %v", i, names[i], want)
			}
		}
		if _, err := d.add(t, second, "", "ROBOT"); !errors.Is(err, fault.UserNameTaken.With()) {
			t.Errorf("a name that is taken in the organization: %v", err)
		}
		if _, err := d.add(t, d.org, "", "ROBOT"); !errors.Is(err, fault.UserNameTaken.With()) {
			t.Errorf("a name that is taken in the instance: %v", err)
		}
		if names, err := user.LoginNamesOf(d.ctx, d.Store); err != nil || len(names) != 0 {
			t.Errorf("nobody has the names %v, %v", names, err)
		}
	})
}

// The policy of the instance counts where the organization has none.
func TestLoginNamesByTheInstance(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		d.mustBeDomain(t, caller.InstanceOf(d.ctx).ID)
		d.addDomain(t, d.org, "a.example", true, true)
		row, err := d.add(t, d.org, "", "robot")
		if err != nil {
			t.Fatal(err)
		}
		names, err := user.LoginNamesOf(d.ctx, d.Store, row)
		if err != nil || names[0].Preferred != "robot@a.example" {
			t.Errorf("got %v, %v", names, err)
		}
	})
}

func TestUserIDsAreNeverGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		row, err := d.add(t, d.org, "mine", "robot")
		if err != nil || row.UserID != "mine" {
			t.Fatalf("%v, %v", row, err)
		}
		if _, err := d.add(t, d.org, "mine", "another"); !errors.Is(err, fault.UserIDTaken.With()) {
			t.Errorf("an id that is taken: %v", err)
		}
		d.Write(t, d.ctx, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Record(ctx, store.OrgAdded, store.OrganizationObject(d.org), store.Payload{}); err != nil {
				return err
			}
			return tx.User.DeleteOne(row).Exec(ctx)
		})
		if _, err := d.add(t, d.org, "mine", "robot"); !errors.Is(err, fault.UserIDTaken.With()) {
			t.Errorf("an id that was taken once: %v", err)
		}
		elsewhere := d
		elsewhere.ctx, elsewhere.org = d.Instance(t, "https://two.example")
		if _, err := elsewhere.add(t, elsewhere.org, "mine", "robot"); err != nil {
			t.Errorf("the id in another instance: %v", err)
		}
	})
}

func TestGetAndOwner(t *testing.T) {
	each(t, func(t *testing.T, d directory) {
		row, err := d.add(t, d.org, "mine", "robot")
		if err != nil {
			t.Fatal(err)
		}
		foreign, _ := d.Instance(t, "https://two.example")
		if got, err := user.Get(d.ctx, d.Store.Read().User, "mine"); err != nil || got.ID != row.ID {
			t.Errorf("got %v, %v", got, err)
		}
		if owner, err := user.OwnerOf(d.ctx, d.Store, "mine"); err != nil || owner != d.org.OrganizationID {
			t.Errorf("the owner is %q, %v", owner, err)
		}
		for name, at := range map[string]struct {
			ctx context.Context
			id  string
		}{"unknown": {d.ctx, "x"}, "empty": {d.ctx, ""}, "foreign": {foreign, "mine"}} {
			_, got := user.Get(at.ctx, d.Store.Read().User, at.id)
			_, owner := user.OwnerOf(at.ctx, d.Store, at.id)
			for _, err := range []error{got, owner} {
				if !errors.Is(err, fault.UserUnknown.With()) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

func TestPrepareChecksAPerson(t *testing.T) {
	paths := user.Paths{PreferredLanguage: "profile.preferred_language", Password: "password"}
	each(t, func(t *testing.T, d directory) {
		for _, test := range []struct {
			human user.Human
			field string
		}{
			{user.Human{}, ""},
			{user.Human{PreferredLanguage: "de-CH"}, ""},
			{user.Human{PreferredLanguage: "no language"}, "profile.preferred_language"},
			{user.Human{Password: "weak"}, "password"},
		} {
			_, err := d.users.Prepare(d.ctx, user.New{UserName: "erin", Human: &test.human}, d.org.OrganizationID, paths)
			var f *fault.Fault
			switch {
			case test.field == "" && err != nil, test.field != "" && !errors.As(err, &f):
				t.Errorf("%+v: got %v", test, err)
			case test.field != "" && f.Violations()[0].Field != test.field:
				t.Errorf("%+v: got %v", test, f.Violations())
			}
		}
	})
}
