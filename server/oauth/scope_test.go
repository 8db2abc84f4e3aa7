package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// granting is a user, and projects that scopes may name.
type granting struct {
	*tokentest.Directory
	*endpoints
	ctx         context.Context
	home, other *ent.Organization
	user        *ent.User
}

func newGranting(t *testing.T, d *tokentest.Directory) *granting {
	t.Helper()
	g := &granting{Directory: d, endpoints: &endpoints{store: d.Store, tokens: d.Tokens, claims: newClaimReader(d.Store)}}
	g.ctx, g.home = d.Instance(t, "http://acme.localhost")
	g.other = d.Organization(t, g.ctx, d.Store.Read().Instance.Query().OnlyX(g.ctx))
	g.user = d.Machine(t, g.ctx, g.home)
	return g
}

func (g *granting) project(t *testing.T, in *ent.Organization, s project.Settings) (made *ent.Project) {
	t.Helper()
	projectID, err := g.Store.NewID()
	if err != nil {
		t.Fatal(err)
	}
	s.Name = projectID
	g.Write(t, g.ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := project.Add(ctx, tx, in, projectID, s); err != nil {
			return err
		}
		var err error
		made, err = project.Get(ctx, tx.Project, projectID)
		return err
	})
	return made
}

// toUser and toApplication return what is granted for the scopes; the error is
// the code of a refusal.
func (g *granting) toUser(t *testing.T, scope string) (given token.Grant, code string) {
	t.Helper()
	given = token.Grant{Client: token.Client{ID: g.user.UserID, UserKey: g.user.ID}, UserKey: g.user.ID, UserID: g.user.UserID}
	return given, g.grant(t, &given, scope)
}

func (g *granting) toApplication(t *testing.T, of *ent.Project, scope string) (given token.Grant, code string) {
	t.Helper()
	given = token.Grant{Client: token.Client{ID: "client", ApplicationKey: 1, ProjectID: of.ProjectID}}
	return given, g.grant(t, &given, scope)
}

func (g *granting) grant(t *testing.T, given *token.Grant, scope string) string {
	t.Helper()
	err := g.grantScopes(g.ctx, given, scope, g.home.OrganizationID)
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if refused != nil {
		return refused.code
	}
	return ""
}

func aud(p *ent.Project) string { return scopeProject + p.ProjectID + scopeProjectSuffix }

func TestScopesOfUser(t *testing.T) {
	g := newGranting(t, tokentest.SQLite(t, nil))
	known := []string{
		"openid", "profile", "email", "phone", token.ScopeAPI, scopeOwner, scopeMetadata, scopeProjectsRoles,
		scopeRole + "reader", scopeOrganization + g.home.OrganizationID,
	}
	given, code := g.toUser(t, "x  address "+strings.Join(known, " ")+" openid offline_access "+scopeRole+" "+scopeProject+"1 "+scopeProject+scopeProjectSuffix)
	if code != "" || !slices.Equal(given.Scopes, known) || !slices.Equal(given.Audience, []string{g.user.UserID, "zitadel"}) {
		t.Errorf("%q: %q for %q", code, given.Scopes, given.Audience)
	}
	if given, code := g.toUser(t, ""); code != "" || len(given.Scopes) != 0 || !slices.Equal(given.Audience, []string{g.user.UserID}) {
		t.Errorf("for none %q: %q for %q", code, given.Scopes, given.Audience)
	}
}

func TestScopeBounds(t *testing.T) {
	g := newGranting(t, tokentest.SQLite(t, nil))
	for name, c := range map[string]struct{ scope, code string }{
		"many":     {strings.TrimSpace(strings.Repeat("x ", 100)), ""},
		"too many": {strings.TrimSpace(strings.Repeat("x ", 101)), invalidScope},
		"long":     {strings.Repeat("x", 300), ""},
		"too long": {strings.Repeat("x", 301), invalidScope},
	} {
		if _, code := g.toUser(t, c.scope); code != c.code {
			t.Errorf("%s: %q", name, code)
		}
	}
}

// Each project is read when the token is given and whenever it is looked at, and
// each row keeps what was granted.
func TestScopeCosts(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		g := newGranting(t, d)
		projects := func(number int) string {
			all := []string{token.ScopeAPI}
			for n := range number {
				all = append(all, fmt.Sprint(scopeProject, n, scopeProjectSuffix), fmt.Sprint(scopeProject, n, scopeProjectSuffix))
			}
			return strings.Join(all, " ")
		}
		roles := func(length int) string {
			var all []string
			for length > maxScope {
				all = append(all, scopeRole+fmt.Sprintf("%0*d", maxScope-1-len(scopeRole), length)) // and a space
				length -= maxScope
			}
			return strings.Join(append(all, scopeRole+strings.Repeat("x", length-len(scopeRole))), " ")
		}
		for name, c := range map[string]struct{ scope, code string }{
			"many projects":     {projects(20), ""},
			"too many projects": {projects(21), invalidScope},
			"long":              {roles(4096), ""},
			"too long":          {roles(4097), invalidScope},
			"long, not granted": {"openid " + strings.Join(slices.Repeat([]string{strings.Repeat("x", 300)}, 20), " "), ""},
		} {
			given, code := g.toUser(t, c.scope)
			if code != c.code {
				t.Errorf("%s: %q", name, code)
			}
			if all := strings.Join(given.Scopes, " "); name == "long" && len(all) != 4096 {
				t.Errorf("%d bytes are granted", len(all))
			}
		}
	})
}

// A project joins the audience if it is active, and lets the user in.
func TestScopeAudience(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		g := newGranting(t, d)
		open, away := g.project(t, g.home, project.Settings{}), g.project(t, g.other, project.Settings{})
		checked, owners := g.project(t, g.other, project.Settings{RoleCheck: true}), g.project(t, g.other, project.Settings{HasProjectCheck: true})
		closed := g.project(t, g.home, project.Settings{})
		g.Write(t, g.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := project.Deactivate(ctx, tx, closed)
			return err
		})
		otherCtx, o := d.Instance(t, "http://else.localhost")
		foreign := (&granting{Directory: d, ctx: otherCtx}).project(t, o, project.Settings{})
		confined := scopeOrganization + g.home.OrganizationID + " "
		check := func(name, scope, code string, want ...*ent.Project) {
			t.Helper()
			given, got := g.toUser(t, scope)
			audience := []string{g.user.UserID}
			for _, p := range want {
				audience = append(audience, p.ProjectID)
			}
			if got != code || code == "" && !slices.Equal(given.Audience, audience) {
				t.Errorf("%s: %q %q", name, got, given.Audience)
			}
		}
		check("active ones, each once", aud(open)+" "+aud(away)+" "+aud(open), "", open, away)
		check("unknown", scopeProject+"1"+scopeProjectSuffix, "")
		check("deactivated project", aud(closed), "")
		check("of another instance", aud(foreign), "")
		check("confined to the organization", confined+aud(away)+" "+aud(open), "", open)
		check("who lacks a role", aud(checked), invalidScope)
		check("who is of another organization", aud(owners), invalidScope)

		var made *ent.UserGrant
		g.Write(t, g.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if _, err = grant.Add(ctx, tx, "1", checked, g.user, nil); err == nil {
				made, err = tx.UserGrant.Query().Only(ctx)
			}
			return err
		})
		check("who is granted", aud(checked), "", checked)
		g.Write(t, g.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := grant.Deactivate(ctx, tx, made)
			return err
		})
		check("deactivated grant", aud(checked), invalidScope)
		d.SetOrganizationState(t, g.ctx, g.other, organization.StateInactive)
		check("deactivated organization", aud(away), "")
	})
}

// A token of an application itself is not good for what concerns a user.
func TestScopesOfApplication(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		g := newGranting(t, d)
		own, open := g.project(t, g.home, project.Settings{RoleCheck: true, HasProjectCheck: true}), g.project(t, g.other, project.Settings{})
		scope := strings.Join([]string{"openid profile email phone", token.ScopeAPI, scopeOwner, scopeMetadata, scopeProjectsRoles, scopeRole + "x", aud(own), aud(open)}, " ")
		given, code := g.toApplication(t, own, scope)
		if code != "" || !slices.Equal(given.Scopes, []string{aud(own), aud(open)}) || !slices.Equal(given.Audience, []string{"client", own.ProjectID, open.ProjectID}) {
			t.Errorf("%q: %q for %q", code, given.Scopes, given.Audience)
		}
		if _, code := g.toApplication(t, open, aud(own)); code != invalidScope {
			t.Errorf("where it has no role the code is %q", code)
		}
	})
}

// Nothing is read that no scope asks for.
func TestNoScopeNoStatement(t *testing.T) {
	d := tokentest.SQLite(t, nil)
	g := newGranting(t, d)
	g.claims = nil // a read would panic
	if given, code := g.toUser(t, "openid profile "+token.ScopeAPI); code != "" || len(given.Scopes) != 3 {
		t.Errorf("%q: %q", code, given.Scopes)
	}
	reader := &claimReader{}
	told, err := reader.of(g.ctx, about{userKey: g.user.ID, asks: readScopes([]string{"openid", token.ScopeAPI}), personal: true})
	if err != nil || len(told) != 0 {
		t.Errorf("%v, %v", told, err)
	}
}
