package oauth_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/event"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// An impersonator gets a token that stands for the user and names who acts.
func TestImpersonate(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		actor, _ := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
		proof := w.tokenFor(t, actor, w.app, w.until(time.Hour))
		got := w.exchanged(t, impersonate(w.user, proof.Token))
		if got["issued_token_type"] != accessType || got["expires_in"] != 3600.0 || got["scope"] != scopes || got["id_token"] != nil {
			t.Errorf("the answer is %v", got)
		}
		b := w.bearer(t, got["access_token"])
		if want := fmt.Sprintf(`{"iss":"%s","sub":"%s"}`, origin, actor.UserID); b.UserID != w.user.UserID || !equalJSON(t, string(b.Actor), want) || b.ClientID != w.app.ClientID {
			t.Errorf("the token is %+v, its actor %s", b, b.Actor)
		}
		if c, err := d.Tokens.Authenticate(w.ctx, got["access_token"].(string), nil); err != nil || c.ID != w.user.UserID {
			t.Errorf("the caller is %+v, the error %v", c, err)
		}
		row, err := d.Store.Read().AccessToken.Query().Where(accesstoken.TokenID(b.TokenID)).Only(w.ctx)
		if err != nil || row.Credential != proof.ID {
			t.Errorf("the row is %v, the error %v", row, err)
		}
		events := w.events(t, store.UserImpersonated)
		if len(events) != 1 {
			t.Fatalf("the events are %v", events)
		}
		if e := events[0]; e.AggregateID != w.user.UserID || e.OwnerID != w.home.OrganizationID || e.EditorID != actor.UserID || e.EditorType != event.EditorTypeUser ||
			len(e.Payload) != 3 || e.Payload["actorId"] != actor.UserID || e.Payload["clientId"] != w.app.ClientID || e.Payload["tokenId"] != b.TokenID {
			t.Errorf("the event is %v %v", e, e.Payload)
		}
	})
}

// The token of the impersonated user bounds what the new one is good for, and
// both tokens when it ends.
func TestImpersonateBounds(t *testing.T) {
	w := newExchangeWorld(t, tokentest.SQLite(t, nil))
	actor, proof := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
	narrow := w.tokenFor(t, w.user, w.app, w.until(time.Hour), func(g *token.Grant) { g.Scopes = []string{"profile"} })
	acting := []string{"actor_token", proof.Token, "actor_token_type", accessType}
	w.refused(t, w.app, exchangeOf(narrow.Token, append(acting, "scope", token.ScopeAPI)...), "invalid_scope")
	got := w.exchanged(t, exchangeOf(narrow.Token, append(acting, "scope", "profile")...))
	if b := w.bearer(t, got["access_token"]); got["expires_in"] != 3600.0 || !slices.Equal(b.Scopes, []string{"profile"}) {
		t.Errorf("the answer is %v", got)
	}
	short := w.tokenFor(t, actor, w.app, w.until(time.Minute), func(g *token.Grant) { g.Scopes = nil })
	w.refused(t, w.app, impersonate(w.user, short.Token, "scope", token.ScopeAPI), "invalid_scope")
	if got := w.exchanged(t, impersonate(w.user, short.Token, "scope", "openid")); got["expires_in"] != 60.0 {
		t.Errorf("the answer is %v", got)
	}
	confined := w.tokenFor(t, actor, w.app, func(g *token.Grant) {
		g.Scopes = append(g.Scopes, "urn:zitadel:iam:org:id:"+w.home.OrganizationID)
	})
	outside := w.Machine(t, w.ctx, w.Organization(t, w.ctx, w.instance))
	w.refused(t, w.app, impersonate(outside, confined.Token, "scope", "openid"), "invalid_request")
	w.exchanged(t, impersonate(outside, proof.Token, "scope", "openid"))
	// A token of the user that was not meant for the client helps nobody.
	foreign := w.tokenFor(t, w.user, w.newApp(t, w.home, exchanging(0)))
	w.refused(t, w.app, exchangeOf(foreign.Token, acting...), "invalid_request")
}

// Who may impersonate whom. The refusals do not tell whether there is a user.
func TestImpersonateWho(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		other := d.Organization(t, w.ctx, w.instance)
		const all, some = "_ADMIN_IMPERSONATOR", "_END_USER_IMPERSONATOR"
		actors := map[string]*ent.User{}
		actor := func(name string, o *ent.Organization, roles ...string) {
			actors[name] = d.Machine(t, w.ctx, w.home)
			if len(roles) > 0 {
				w.makeMember(t, actors[name], o, roles...)
			}
		}
		actor("nobody", nil)
		actor("an owner", nil, "IAM_OWNER")
		actor("the organization's owner", w.home, "ORG_OWNER")
		actor("the instance's admin impersonator", nil, "IAM"+all)
		actor("the instance's impersonator", nil, "IAM"+some)
		actor("the organization's admin impersonator", w.home, "ORG"+all)
		actor("the organization's impersonator", w.home, "ORG"+some)
		actor("the other's admin impersonator", other, "ORG"+all)
		actor("both organizations' admin impersonator", w.home, "ORG"+all)
		w.makeMember(t, actors["both organizations' admin impersonator"], other, "ORG"+all)
		actor("the user's impersonator, and the other's admin impersonator", w.home, "ORG"+some)
		w.makeMember(t, actors["the user's impersonator, and the other's admin impersonator"], other, "ORG"+all)

		subjects := map[string]*ent.User{}
		subject := func(name string, home *ent.Organization) *ent.User {
			subjects[name] = d.Machine(t, w.ctx, home)
			return subjects[name]
		}
		subject("a user", w.home)
		subject("a user of the other", other)
		w.makeMember(t, subject("an owner", w.home), nil, "IAM_OWNER")
		w.makeMember(t, subject("a viewer", w.home), nil, "IAM_OWNER_VIEWER")
		w.makeMember(t, subject("a member", w.home), w.home, "ORG_USER_MANAGER")
		w.makeMember(t, subject("a member of the other", w.home), other, "ORG_OWNER_VIEWER")
		d.SetUserState(t, w.ctx, subject("an inactive user", w.home), user.StateInactive)
		d.SetUserState(t, w.ctx, subject("a locked user", w.home), user.StateLocked)
		d.SetUserState(t, w.ctx, subject("an initial user", w.home), user.StateInitial)
		closed := d.Organization(t, w.ctx, w.instance)
		subject("a user of a closed organization", closed)
		d.SetOrganizationState(t, w.ctx, closed, organization.StateInactive)
		subjects["unknown"] = &ent.User{UserID: "1"}
		subjects["of another instance"] = newExchangeWorld(t, d).user

		may := map[string][]string{
			"the instance's admin impersonator":                           {"a user", "a user of the other", "an owner", "a viewer", "a member", "a member of the other"},
			"the instance's impersonator":                                 {"a user", "a user of the other"},
			"the organization's admin impersonator":                       {"a user", "a member"},
			"the organization's impersonator":                             {"a user"},
			"the other's admin impersonator":                              {"a user of the other"},
			"both organizations' admin impersonator":                      {"a user", "a user of the other", "a member", "a member of the other"},
			"the user's impersonator, and the other's admin impersonator": {"a user", "a user of the other"},
		}
		answers := map[string]bool{}
		for name, a := range actors {
			proof := w.tokenFor(t, a, w.app).Token
			for whom, s := range subjects {
				t.Run(name+" as "+whom, func(t *testing.T) {
					if slices.Contains(may[name], whom) {
						w.exchanged(t, impersonate(s, proof))
					} else {
						answers[w.refused(t, w.app, impersonate(s, proof), "invalid_request")] = true
					}
				})
			}
			answers[w.refused(t, w.app, impersonate(a, proof), "invalid_request")] = true // itself
		}
		if len(answers) != 1 {
			t.Errorf("the answers are %v", answers)
		}
		// A token of the user changes nothing of it.
		proof := w.tokenFor(t, actors["the organization's impersonator"], w.app).Token
		w.refused(t, w.app, exchangeOf(w.tokenFor(t, subjects["an owner"], w.app).Token, "actor_token", proof, "actor_token_type", accessType), "invalid_request")
	})
}

// Who acted before stays within the claim of who acts; an impersonated user
// impersonates nobody.
func TestImpersonateNested(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		first, firstToken := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
		second, secondToken := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
		given := w.exchanged(t, impersonate(w.user, firstToken.Token))["access_token"].(string)
		swapped := w.exchanged(t, exchangeOf(given))["access_token"]
		if got, want := string(w.bearer(t, swapped).Actor), string(w.bearer(t, given).Actor); got != want {
			t.Errorf("after a swap the actor is %s, not %s", got, want)
		}
		acting := []string{"actor_token", secondToken.Token, "actor_token_type", accessType}
		nested := w.exchanged(t, exchangeOf(given, acting...))["access_token"].(string)
		want := fmt.Sprintf(`{"act":{"iss":"%[1]s","sub":"%[2]s"},"iss":"%[1]s","sub":"%[3]s"}`, origin, first.UserID, second.UserID)
		if got := w.bearer(t, nested).Actor; !equalJSON(t, string(got), want) {
			t.Errorf("the actor is %s, not %s", got, want)
		}
		w.refused(t, w.app, impersonate(first, given), "invalid_request")

		_, adminToken := w.impersonator(t, "IAM_ADMIN_IMPERSONATOR")
		asSecond := w.exchanged(t, impersonate(second, adminToken.Token))["access_token"].(string)
		w.refused(t, w.app, impersonate(w.user, asSecond), "invalid_request")
		for range 3 {
			nested = w.exchanged(t, exchangeOf(nested, acting...))["access_token"].(string)
		}
		w.refused(t, w.app, exchangeOf(nested, acting...), "invalid_request")
	})
}

// An impersonation ends at once with what it rests on.
func TestImpersonationEnds(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		for name, end := range map[string]func(t *testing.T, actor *ent.User, proof token.AccessToken, subject *ent.User){
			"the actor is deactivated": func(t *testing.T, actor *ent.User, _ token.AccessToken, _ *ent.User) {
				d.SetUserState(t, w.ctx, actor, user.StateInactive)
			},
			"the actor loses the role": func(t *testing.T, actor *ent.User, _ token.AccessToken, _ *ent.User) {
				owner := caller.Caller{Kind: caller.System, Memberships: []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER"}}}}
				d.Write(t, caller.With(w.ctx, owner), func(ctx context.Context, tx *store.Tx) error {
					_, _, err := membership.Remove(ctx, tx, w.level(nil), actor)
					return err
				})
			},
			"the user gets a role": func(t *testing.T, _ *ent.User, _ token.AccessToken, subject *ent.User) {
				w.makeMember(t, subject, nil, "IAM_OWNER")
			},
			"the user is deactivated": func(t *testing.T, _ *ent.User, _ token.AccessToken, subject *ent.User) {
				d.SetUserState(t, w.ctx, subject, user.StateInactive)
			},
			"the actor's token is revoked": func(t *testing.T, actor *ent.User, proof token.AccessToken, _ *ent.User) {
				if err := d.Tokens.Revoke(w.ctx, proof.Token, token.Client{ID: actor.UserID, UserKey: actor.ID}); err != nil {
					t.Fatal(err)
				}
			},
			"the actor's token expires": func(*testing.T, *ent.User, token.AccessToken, *ent.User) { d.Clock.Advance(time.Minute) },
		} {
			t.Run(name, func(t *testing.T) {
				actor, _ := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
				proof := w.tokenFor(t, actor, w.app, w.until(time.Minute))
				subject := d.Machine(t, w.ctx, w.home)
				given := w.exchanged(t, impersonate(subject, proof.Token))["access_token"].(string)
				swapped := w.exchanged(t, exchangeOf(given))["access_token"]
				if !w.valid(given) || !w.valid(swapped) {
					t.Fatal("the token is not valid to begin with")
				}
				end(t, actor, proof, subject)
				if w.valid(given) || w.valid(swapped) {
					t.Error("the token is valid still")
				}
				w.refused(t, w.app, exchangeOf(given), "invalid_request")
			})
		}
		t.Run("the actor's personal access token is removed", func(t *testing.T) {
			actor, _ := w.impersonator(t, "IAM_END_USER_IMPERSONATOR")
			pat := d.PersonalAccessToken(t, w.ctx, actor, 0)
			given := w.exchanged(t, impersonate(w.user, pat.Token))["access_token"]
			swapped := w.exchanged(t, exchangeOf(given.(string)))["access_token"]
			if !w.valid(given) || !w.valid(swapped) {
				t.Fatal("the token is not valid to begin with")
			}
			d.Write(t, w.ctx, func(ctx context.Context, tx *store.Tx) error {
				_, _, err := token.RemovePersonalAccessToken(ctx, tx, actor, pat.ID)
				return err
			})
			if w.valid(given) || w.valid(swapped) {
				t.Error("the token is valid still")
			}
		})
	})
}

// Two users who impersonate each other at the same time do not wait for each
// other forever.
func TestImpersonateEachOther(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		a, aToken := w.impersonator(t, "IAM_ADMIN_IMPERSONATOR")
		b, bToken := w.impersonator(t, "IAM_ADMIN_IMPERSONATOR")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { w.exchanges(t, a, bToken.Token) })
			all.Go(func() { w.exchanges(t, b, aToken.Token) })
		}
		all.Wait()
		if got := len(w.events(t, store.UserImpersonated)); got != 16 {
			t.Errorf("%d events", got)
		}
	})
}

// exchanges is exchanged for a goroutine.
func (w *exchangeWorld) exchanges(t *testing.T, u *ent.User, proof string) {
	if status, got := w.post(t, oauth.TokenPath, w.app, impersonate(u, proof)); status != 200 {
		t.Errorf("the answer is %d %v", status, got)
	}
}

// What is exchanged while its source is revoked does not outlive it.
func TestExchangeWhileRevoked(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		byRevocation := func(source string) error {
			return d.Tokens.Revoke(w.ctx, source, token.Client{ID: w.user.UserID, UserKey: w.user.ID})
		}
		testEndsMeanwhile(t, w, func() string { return w.tokenFor(t, w.user, w.app).Token }, byRevocation)
		// The tokens of an application end while its project is locked, not the user.
		first := w.newApp(t, w.home, exchanging(0))
		byApplication := func(string) error {
			return d.Store.Write(w.ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.Lock(ctx, store.ProjectObject(first.project)); err != nil {
					return err
				}
				return token.EndTokens(ctx, tx, accesstoken.ApplicationPk(first.ID))
			})
		}
		testEndsMeanwhile(t, w, func() string { return w.tokenFor(t, w.user, w.app, gotBy(first)).Token }, byApplication)
	})
}

// testEndsMeanwhile exchanges a token by many while it is ended.
func testEndsMeanwhile(t *testing.T, w *exchangeWorld, issue func() string, end func(source string) error) {
	for range 5 {
		source := issue()
		var all sync.WaitGroup
		var lock sync.Mutex
		var given []string
		for i := range 8 {
			if i == 4 {
				all.Go(func() {
					if err := end(source); err != nil {
						t.Error(err)
					}
				})
			}
			all.Go(func() {
				if status, got := w.post(t, oauth.TokenPath, w.app, exchangeOf(source)); status == 200 {
					lock.Lock()
					defer lock.Unlock()
					given = append(given, got["access_token"].(string))
				}
			})
		}
		all.Wait()
		for _, text := range given {
			if w.valid(text) {
				t.Error("a token outlives the one that it was exchanged for")
			}
		}
	}
}

// The roles that an actor has elsewhere do not count where its token is confined
// to an organization.
func TestImpersonateConfined(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		w := newExchangeWorld(t, d)
		confine := func(g *token.Grant) { g.Scopes = append(g.Scopes, token.ScopeOrganization+w.home.OrganizationID) }
		ofInstance, ofHome := d.Machine(t, w.ctx, w.home), d.Machine(t, w.ctx, w.home)
		w.makeMember(t, ofInstance, nil, "IAM_ADMIN_IMPERSONATOR")
		w.makeMember(t, ofHome, w.home, "ORG_ADMIN_IMPERSONATOR")
		w.exchanged(t, impersonate(w.user, w.tokenFor(t, ofInstance, w.app).Token))
		w.refused(t, w.app, impersonate(w.user, w.tokenFor(t, ofInstance, w.app, confine).Token), "invalid_request")
		got := w.exchanged(t, impersonate(w.user, w.tokenFor(t, ofHome, w.app, confine).Token))
		if c, err := d.Tokens.Authenticate(w.ctx, got["access_token"].(string), nil); err != nil || c.ID != w.user.UserID || c.ConfinedTo != w.home.OrganizationID {
			t.Errorf("the caller is %+v, %v", c, err)
		}
	})
}
