package oauth

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/grant"
	"github.com/bastide-id/bastide/server/directory/metadata"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// What signed tokens tell is asked for by scopes, and decided by the settings
// of an application. No access token tells a name, and none tells a reserved
// claim (CVE-2024-29892).
func TestSignedClaims(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		g := newGranting(t, d)
		p := g.project(t, g.home, project.Settings{RoleAssertion: true})
		g.Write(t, g.ctx, func(ctx context.Context, tx *store.Tx) error {
			if _, err := project.AddRoles(ctx, tx, p, project.Role{Key: "reader"}); err != nil {
				return err
			}
			if _, err := grant.Add(ctx, tx, "1", p, g.user, []string{"reader"}); err != nil {
				return err
			}
			_, err := metadata.Set(ctx, tx, metadata.OnUser(g.user),
				metadata.Value{Key: "sub", Value: []byte("somebody else")},
				metadata.Value{Key: "long", Value: make([]byte, 4000)})
			return err
		})
		machine := token.Client{ID: g.user.UserID, UserKey: g.user.ID}
		client := func(s application.OIDC) token.Client {
			settings, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return token.Client{ID: "client", ApplicationKey: 1, Kind: entapplication.KindOidc, ProjectID: p.ProjectID, Settings: settings}
		}
		rolesClaim := "urn:zitadel:iam:org:project:" + p.ProjectID + ":roles"
		names := []string{"preferred_username", "updated_at"}
		owner := []string{claimOwnerID, claimOwnerName, claimOwnerDomain}
		for name, c := range map[string]struct {
			client     token.Client
			scopes     []string
			id, access []string // only machines get ID tokens
		}{
			"nothing asked": {client: machine, scopes: []string{"openid", token.ScopeAPI}, id: nil, access: nil},
			"machine": {
				client: machine, scopes: []string{"openid", "profile", scopeOwner, scopeMetadata, aud(p)},
				id:     slices.Concat(names, owner, []string{claimMetadata, rolesClaim}),
				access: slices.Concat(owner, []string{claimMetadata, rolesClaim}),
			},
			"reticent client": {
				client: client(application.OIDC{}), scopes: []string{"openid", "profile", scopeOwner, aud(p)}, access: owner,
			},
			"outspoken client": {
				client: client(application.OIDC{AccessTokenRoleAssertion: true}),
				scopes: []string{"openid", "profile"}, access: []string{claimRoles, rolesClaim},
			},
		} {
			given := token.Grant{Client: c.client, UserKey: g.user.ID, UserID: g.user.UserID, Scopes: c.scopes, Audience: []string{c.client.ID}}
			if slices.Contains(c.scopes, aud(p)) {
				given.Audience = append(given.Audience, p.ProjectID)
			}
			if c.client.UserKey != 0 {
				inID, err := g.idTokenClaims(g.ctx, given)
				if got := slices.Sorted(maps.Keys(inID)); err != nil || !slices.Equal(got, slices.Sorted(slices.Values(c.id))) {
					t.Errorf("%s: the ID token tells %v, %v", name, got, err)
				}
			}
			inAccess, err := g.accessTokenClaims(g.ctx, given)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(inAccess)); !slices.Equal(got, slices.Sorted(slices.Values(c.access))) {
				t.Errorf("%s: the access token tells %v", name, got)
			}
			if told, ok := inAccess[claimMetadata].(map[string]string); ok && (len(told) != 1 || told["sub"] == "") {
				t.Errorf("%s: the metadata is %v", name, told)
			}
		}
		if told, err := g.accessTokenClaims(g.ctx, token.Grant{Client: token.Client{ID: "client", ApplicationKey: 1}}); len(told) != 0 || err != nil {
			t.Errorf("of an application itself: %v, %v", told, err)
		}
	})
}
