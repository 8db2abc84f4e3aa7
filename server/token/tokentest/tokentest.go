//go:build unix

// Package tokentest fills a database with instances and users, for the tests of
// what needs tokens.
package tokentest

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/servertest/postgres"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// Clock is a clock that moves when it is told to.
type Clock struct{ at atomic.Int64 }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// Directory is a database with Tokens on it.
type Directory struct {
	Store     *store.Store
	Tokens    *token.Tokens
	Clock     *Clock
	MasterKey *id.Keyring
	// Postgres is false on SQLite.
	Postgres bool

	url   string
	users []token.SystemUser
}

// databases counts the databases of this process, to name them.
var databases atomic.Int64

// Each runs a test on an empty database of each kind. It fails where there is
// no PostgreSQL.
func Each(t *testing.T, users []token.SystemUser, test func(*testing.T, *Directory)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, users)) })
	t.Run("postgres", func(t *testing.T) {
		server, err := postgres.Shared(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("token%d", databases.Add(1))
		url, err := server.Create(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Drop(context.Background(), name); err != nil {
				t.Error(err)
			}
		})
		test(t, Open(t, url, users))
	})
}

// SQLite returns a directory in a file of the test's own.
func SQLite(t testing.TB, users []token.SystemUser) *Directory {
	return Open(t, filepath.Join(t.TempDir(), "bastide.db"), users)
}

// Open returns a directory in the database at url, which is empty.
func Open(t testing.TB, url string, users []token.SystemUser) *Directory {
	t.Helper()
	d := &Directory{Clock: &Clock{}, MasterKey: id.NewKeyring(id.NewMasterKey(), nil), Postgres: store.IsPostgres(url), url: url, users: users}
	d.Clock.at.Store(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	d.open(t)
	t.Cleanup(func() {
		if err := d.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *Directory) open(t testing.TB) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if d.Store, err = store.Open(t.Context(), store.Options{URL: d.url, Now: d.Clock.Now, Log: log}); err != nil {
		t.Fatal(err)
	}
	d.Tokens, err = token.New(token.Options{
		Store: d.Store, MasterKey: d.MasterKey, SystemUsers: d.users, KeyPairs: -1, Log: log,
		MayImpersonate: func(ctx context.Context, actorID string, userKey int64, organizationID string) (bool, error) {
			return membership.MayImpersonate(ctx, d.Store, actorID, userKey, organizationID, "")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Later moves the clock and opens the database anew. The number that ids are
// made with is leased for an hour: what moves the clock further comes this way.
func (d *Directory) Later(t testing.TB, by time.Duration) {
	t.Helper()
	if err := d.Store.Close(); err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(by)
	d.open(t)
}

// Write runs f in a transaction of the store; the test ends if it fails.
func (d *Directory) Write(t testing.TB, ctx context.Context, f func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := d.Store.Write(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func (d *Directory) newID(t testing.TB) string {
	t.Helper()
	made, err := d.Store.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Instance makes an instance with an organization, and returns a context that
// acts in it at origin.
func (d *Directory) Instance(t testing.TB, origin string) (context.Context, *ent.Organization) {
	t.Helper()
	instanceID := d.newID(t)
	ctx := caller.WithInstance(t.Context(), caller.Instance{ID: instanceID, Origin: origin})
	var i *ent.Instance
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if i, err = tx.Instance.Create().SetName("test").SetNameKey(store.Key("test")).SetDefaultLanguage("en").Save(ctx); err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.InstanceAdded, store.InstanceObject(i), store.Payload{})
		return err
	})
	return ctx, d.Organization(t, ctx, i)
}

// Organization makes another organization of the instance of ctx.
func (d *Directory) Organization(t testing.TB, ctx context.Context, i *ent.Instance) *ent.Organization {
	t.Helper()
	organizationID := d.newID(t)
	var o *ent.Organization
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = tx.Organization.Create().
			SetOrganizationID(organizationID).SetInstancePk(i.ID).
			SetName(organizationID).SetNameKey(store.Key(organizationID)).Save(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.OrgAdded, store.OrganizationObject(o), store.Payload{})
		return err
	})
	return o
}

// Machine makes a machine user of the organization.
func (d *Directory) Machine(t testing.TB, ctx context.Context, o *ent.Organization) *ent.User {
	t.Helper()
	userID := d.newID(t)
	var u *ent.User
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		u, err = tx.User.Create().
			SetUserID(userID).SetOrganizationPk(o.ID).SetResourceOwner(o.OrganizationID).
			SetType(user.TypeMachine).SetUserName(userID).SetNameKey(store.Key(userID)).
			SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).
			SetDisplayNameKey([]byte{}).SetEmailKey([]byte{}).Save(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Record(ctx, store.UserMachineAdded, store.UserObject(u), store.Payload{})
		return err
	})
	return u
}

// SetUserState changes the state of a user.
func (d *Directory) SetUserState(t testing.TB, ctx context.Context, u *ent.User, state user.State) {
	t.Helper()
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.User.UpdateOneID(u.ID).SetState(state).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.Record(ctx, "user.state.set", store.UserObject(u), store.Payload{})
		return err
	})
}

// SetOrganizationState changes the state of an organization.
func (d *Directory) SetOrganizationState(t testing.TB, ctx context.Context, o *ent.Organization, state organization.State) {
	t.Helper()
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Organization.UpdateOneID(o.ID).SetState(state).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.Record(ctx, "org.state.set", store.OrganizationObject(o), store.Payload{})
		return err
	})
}

// PersonalAccessToken gives the user a token that expires after a time; 0
// means never.
func (d *Directory) PersonalAccessToken(t testing.TB, ctx context.Context, u *ent.User, after time.Duration) token.PersonalAccessToken {
	t.Helper()
	pat, err := d.Tokens.NewPersonalAccessToken(d.in(after))
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := pat.Save(ctx, tx, u)
		return err
	})
	return pat
}

// AccessToken returns a new access token that stands for the machine user, with
// the scopes, got by itself.
func (d *Directory) AccessToken(t testing.TB, ctx context.Context, u *ent.User, scopes ...string) string {
	t.Helper()
	issued, err := d.Tokens.Issue(ctx, token.Grant{
		Client: token.Client{ID: u.UserID, UserKey: u.ID}, UserKey: u.ID, UserID: u.UserID, Scopes: scopes, Audience: []string{u.UserID},
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Token
}

// Key is a machine key as its file tells of it.
type Key struct {
	Type           string    `json:"type"`
	ID             string    `json:"keyId"`
	PEM            string    `json:"key"`
	ExpirationDate time.Time `json:"expirationDate"`
	UserID         string    `json:"userId"`

	Private *rsa.PrivateKey `json:"-"`
}

// MachineKey gives the user a key that expires after a time; 0 means never.
func (d *Directory) MachineKey(t testing.TB, ctx context.Context, u *ent.User, after time.Duration) Key {
	t.Helper()
	made, err := d.Tokens.NewMachineKey(ctx, d.in(after), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := made.Save(ctx, tx, u)
		return err
	})
	var key Key
	if err := json.Unmarshal(made.File(u.UserID), &key); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(key.PEM))
	if block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Fatalf("the key file has no PKCS #1 key but a block %v", block)
	}
	if key.Private, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return key
}

func (d *Directory) in(after time.Duration) *time.Time {
	if after == 0 {
		return nil
	}
	at := d.Clock.Now().Add(after)
	return &at
}
