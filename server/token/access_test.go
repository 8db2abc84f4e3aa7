package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/instance"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// holder is a machine user with a key and a secret, an API application of
// another organization with both as well, and who may impersonate the user.
type holder struct {
	ctx             context.Context
	home, owner     *ent.Organization
	user, actor     *ent.User
	project         *ent.Project
	application     *ent.Application
	secret, clients []byte // hashes of secrets
}

func newHolder(t *testing.T, d *tokentest.Directory) holder {
	t.Helper()
	ctx, home := d.Instance(t, here)
	i, err := d.Store.Read().Instance.Query().Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h := holder{ctx: ctx, home: home, owner: d.Organization(t, ctx, i), user: d.Machine(t, ctx, home), actor: impersonator(t, d, ctx)}
	h.secret, h.clients = id.Hash("secret of the user"), id.Hash("secret of the application")
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		h.project, err = tx.Project.Create().SetProjectID("p").SetOrganization(h.owner).SetResourceOwner(h.owner.OrganizationID).SetName("p").SetNameKey([]byte("p")).Save(ctx)
		if err != nil {
			return err
		}
		h.application, err = tx.Application.Create().SetApplicationID("a").SetProject(h.project).SetName("a").SetNameKey([]byte("a")).
			SetKind(application.KindAPI).SetClientID("client").SetSecretHash(h.clients).SetSettings(json.RawMessage("{}")).Save(ctx)
		if err != nil {
			return err
		}
		if err := tx.ApplicationKey.Create().SetKeyID(applicationKey).SetApplication(h.application).SetPublicKey([]byte("x")).Exec(ctx); err != nil {
			return err
		}
		if err := tx.MachineKey.Create().SetKeyID(userKey).SetUser(h.user).SetPublicKey([]byte("x")).Exec(ctx); err != nil {
			return err
		}
		if err := tx.User.UpdateOne(h.user).SetSecretHash(h.secret).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.Record(ctx, "all.made", store.UserObject(h.user), store.Payload{})
		return err
	})
	return h
}

// impersonator makes a user of an organization of its own who may act as any
// other of the instance of ctx.
func impersonator(t *testing.T, d *tokentest.Directory, ctx context.Context) *ent.User {
	t.Helper()
	i, err := d.Store.Read().Instance.Query().Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	u := d.Machine(t, ctx, d.Organization(t, ctx, i))
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := membership.Add(ctx, tx, membership.OnInstance(i), u, []string{"IAM_END_USER_IMPERSONATOR"})
		return err
	})
	return u
}

// The ids of the keys.
const (
	userKey        = "key of the user"
	applicationKey = "key of the application"
)

// grants returns a grant of each kind.
func (h holder) grants() map[string]token.Grant {
	machine := token.Client{ID: h.user.UserID, UserKey: h.user.ID}
	app := token.Client{ID: "client", ApplicationKey: h.application.ID}
	to := func(c token.Client, credential string) token.Grant {
		c.Credential = credential
		if credential == "secret" {
			c.SecretHash = h.secret
			if c.ApplicationKey != 0 {
				c.SecretHash = h.clients
			}
		}
		g := token.Grant{Client: c, Credential: credential, Scopes: []string{token.ScopeAPI}, Audience: []string{c.ID}}
		if c.UserKey != 0 {
			g.UserKey, g.UserID = h.user.ID, h.user.UserID
		}
		return g
	}
	exchanged := to(app, "secret")
	exchanged.Credential = "the id of another token"
	exchanged.UserKey, exchanged.UserID = h.user.ID, h.user.UserID
	exchanged.Actor = json.RawMessage(`{"sub":"` + h.actor.UserID + `"}`)
	return map[string]token.Grant{
		"key of the user":           to(machine, userKey),
		"secret of the user":        to(machine, "secret"),
		"key of the application":    to(app, applicationKey),
		"secret of the application": to(app, "secret"),
		"exchange":                  exchanged,
	}
}

// Issuing adds one row, touches no other and is no event.
func TestIssueWritesOneRow(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		h := newHolder(t, d)
		u, events := d.Store.Read().User.GetX(h.ctx, h.user.ID), d.Store.Read().Event.Query().CountX(h.ctx)
		d.Clock.Advance(time.Minute)
		for name, g := range h.grants() {
			issued, err := d.Tokens.Issue(h.ctx, g)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			b, err := d.Tokens.Bearer(h.ctx, issued.Token)
			if err != nil || b.TokenID != issued.ID || b.Subject() != g.Subject() || b.ClientID == "" || string(b.Actor) != string(g.Actor) && len(b.Actor) < 10 ||
				b.UserKey != g.UserKey || b.ApplicationKey != g.Client.ApplicationKey || !b.CreatedAt.Equal(d.Clock.Now()) || !b.ExpiresAt.Equal(issued.ExpiresAt) {
				t.Errorf("%s: the token is of %+v, %v", name, b, err)
			}
		}
		if n := d.Store.Read().AccessToken.Query().CountX(h.ctx); n != len(h.grants()) {
			t.Errorf("there are %d rows", n)
		}
		if n := d.Store.Read().Event.Query().CountX(h.ctx); n != events {
			t.Errorf("%d events were recorded", n-events)
		}
		if now := d.Store.Read().User.GetX(h.ctx, h.user.ID); now.Sequence != u.Sequence || !now.ChangedAt.Equal(u.ChangedAt) {
			t.Errorf("the user was changed: %v", now)
		}
	})
}

// lost is what a grant may depend on, and is lost.
var lost = map[string]struct {
	change func(context.Context, *store.Tx, holder) error
	// ends has the grants that are refused from then on.
	ends []string
}{
	"user inactive": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.User.UpdateOne(h.user).SetState(user.StateInactive).Exec(ctx)
	}, []string{"key of the user", "secret of the user", "exchange"}},
	"user locked": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.User.UpdateOne(h.user).SetState(user.StateLocked).Exec(ctx)
	}, []string{"key of the user", "secret of the user", "exchange"}},
	"organization of the user inactive": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Organization.UpdateOne(h.home).SetState(organization.StateInactive).Exec(ctx)
	}, []string{"key of the user", "secret of the user", "exchange"}},
	"application inactive": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Application.UpdateOne(h.application).SetState(application.StateInactive).Exec(ctx)
	}, []string{"key of the application", "secret of the application", "exchange"}},
	"project inactive": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Project.UpdateOne(h.project).SetState(project.StateInactive).Exec(ctx)
	}, []string{"key of the application", "secret of the application", "exchange"}},
	"organization of the project removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Organization.UpdateOne(h.owner).SetState(organization.StateRemoved).Exec(ctx)
	}, []string{"key of the application", "secret of the application", "exchange"}},
	"instance removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Instance.Update().SetState(instance.StateRemoved).Exec(ctx)
	}, []string{"key of the user", "secret of the user", "key of the application", "secret of the application", "exchange"}},
	"key of the user removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		_, err := tx.MachineKey.Delete().Exec(ctx)
		return err
	}, []string{"key of the user"}},
	"key of the application removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		_, err := tx.ApplicationKey.Delete().Exec(ctx)
		return err
	}, []string{"key of the application"}},
	"secret of the user removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.User.UpdateOne(h.user).ClearSecretHash().Exec(ctx)
	}, []string{"secret of the user"}},
	"secret of the user replaced": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.User.UpdateOne(h.user).SetSecretHash(id.Hash("another")).Exec(ctx)
	}, []string{"secret of the user"}},
	"secret of the application replaced": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Application.UpdateOne(h.application).SetSecretHash(id.Hash("another")).Exec(ctx)
	}, []string{"secret of the application", "exchange"}},
	"method of the application changed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		return tx.Application.UpdateOne(h.application).SetAuthMethod(1).Exec(ctx)
	}, []string{"key of the application", "secret of the application", "exchange"}},
}

// What a grant depends on has to be there in the very moment.
func TestIssueAsksForWhatItDependsOn(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for name, c := range lost {
			t.Run(name, func(t *testing.T) {
				h := newHolder(t, d)
				d.Write(t, h.ctx, func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.Record(ctx, "user.state.set", store.UserObject(h.user), store.Payload{})
					return errors.Join(err, c.change(ctx, tx, h))
				})
				for kind, g := range h.grants() {
					_, err := d.Tokens.Issue(h.ctx, g)
					if got := errors.Is(err, fault.GrantInvalid.With()); got != slices.Contains(c.ends, kind) || err != nil && !got {
						t.Errorf("%s: %v", kind, err)
					}
				}
			})
		}
	})
}

// Nobody gets a token with what is another's.
func TestIssueWithAnothersCredential(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		h := newHolder(t, d)
		elsewhere, _ := d.Instance(t, "http://b.localhost")
		colleague := d.Machine(t, h.ctx, h.home)
		good := h.grants()
		key, app := good["key of the user"], good["key of the application"]
		colleagues, mixed, nobody := key, app, key
		colleagues.UserKey, colleagues.UserID = colleague.ID, colleague.UserID
		mixed.Credential = userKey
		nobody.UserKey, nobody.UserID, nobody.Client = 0, "", token.Client{}
		for name, c := range map[string]struct {
			ctx context.Context
			g   token.Grant
		}{
			"the key of a colleague":             {h.ctx, colleagues},
			"an application with a user's key":   {h.ctx, mixed},
			"nobody":                             {h.ctx, nobody},
			"a user of another instance":         {elsewhere, key},
			"an application of another instance": {elsewhere, app},
		} {
			if _, err := d.Tokens.Issue(c.ctx, c.g); !errors.Is(err, fault.GrantInvalid.With()) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := d.Tokens.Issue(caller.WithInstance(h.ctx, caller.Instance{}), key); err == nil || errors.Is(err, fault.GrantInvalid.With()) {
			t.Errorf("in no instance: %v", err)
		}
	})
}

// A token does not outlive what it was got with, and who sweeps hears of it.
func TestIssueUntil(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	h := newHolder(t, d)
	var expected []time.Time
	tokens, err := token.New(token.Options{
		Store: d.Store, MasterKey: d.MasterKey, KeyPairs: -1, Expect: func(at time.Time) { expected = append(expected, at) },
	})
	if err != nil {
		t.Fatal(err)
	}
	now := d.Clock.Now()
	for until, want := range map[time.Duration]time.Duration{
		time.Minute: time.Minute, token.Lifetime - time.Microsecond: token.Lifetime - time.Microsecond, token.Lifetime + time.Hour: token.Lifetime, 0: 0, -time.Hour: 0,
	} {
		g := h.grants()["key of the user"]
		at := now.Add(until)
		g.Until, expected = &at, nil
		issued, err := tokens.Issue(h.ctx, g)
		switch {
		case want == 0:
			if !errors.Is(err, fault.GrantInvalid.With()) || len(expected) > 0 {
				t.Errorf("%s: %v, expected %v", until, err, expected)
			}
		case err != nil || !issued.ExpiresAt.Equal(now.Add(want)) || len(expected) != 1 || !expected[0].Equal(issued.ExpiresAt):
			t.Errorf("%s: it ends at %s, %v, expected %v", until, issued.ExpiresAt, err, expected)
		}
	}
}

// Whoever signs with a key that ends gets a token that ends with it.
func TestAssertionOfAKeyThatEnds(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, here)
		u := d.Machine(t, ctx, o)
		key := d.MachineKey(t, ctx, u, time.Hour)
		c, err := d.Tokens.MachineByAssertion(ctx, tokentest.Sign(t, "RS256", key.Private, key.ID, tokentest.SelfSigned(u.UserID, here, d.Clock.Now())), here)
		if err != nil || c.Until == nil || !c.Until.Equal(d.Clock.Now().Add(time.Hour)) {
			t.Errorf("the client is %+v, %v", c, err)
		}
	})
}

// takenBack are the ways to take a credential back.
var takenBack = map[string]struct {
	take func(context.Context, *store.Tx, holder) error
	ends string
}{
	"key removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		_, _, err := token.RemoveMachineKey(ctx, tx, h.user, userKey)
		return err
	}, "key of the user"},
	"secret removed": {func(ctx context.Context, tx *store.Tx, h holder) error {
		_, err := token.RemoveMachineSecret(ctx, tx, tx.User.GetX(ctx, h.user.ID))
		return err
	}, "secret of the user"},
	"secret replaced": {func(ctx context.Context, tx *store.Tx, h holder) error {
		_, err := token.MachineSecret{Secret: "another"}.Save(ctx, tx, h.user)
		return err
	}, "secret of the user"},
}

// A credential that is taken back ends the tokens that were got with it, and no
// other.
func TestCredentialsTakenBack(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		for name, c := range takenBack {
			t.Run(name, func(t *testing.T) {
				h := newHolder(t, d)
				issued := make(map[string]string)
				for kind, g := range h.grants() {
					got, err := d.Tokens.Issue(h.ctx, g)
					if err != nil {
						t.Fatal(kind, err)
					}
					issued[kind] = got.Token
				}
				d.Write(t, h.ctx, func(ctx context.Context, tx *store.Tx) error { return c.take(ctx, tx, h) })
				for kind, bearer := range issued {
					_, err := d.Tokens.Bearer(h.ctx, bearer)
					if ended := errors.Is(err, fault.TokenInvalid.With()); ended != (kind == c.ends) || err != nil && !ended {
						t.Errorf("%s: %v", kind, err)
					}
				}
			})
		}
	})
}
