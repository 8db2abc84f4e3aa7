package oauth

import (
	"context"
	"encoding/json"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

// The claims beside the standard ones.
const (
	claimOrganization = "urn:zitadel:iam:org:id"
	claimOwnerID      = "urn:zitadel:iam:user:resourceowner:id"
	claimOwnerName    = "urn:zitadel:iam:user:resourceowner:name"
	claimOwnerDomain  = "urn:zitadel:iam:user:resourceowner:primary_domain"
	claimMetadata     = "urn:zitadel:iam:user:metadata"
	// claimRoles has the roles in the project of who asks.
	claimRoles = "urn:zitadel:iam:org:project:roles"
)

// claims are what is told of a user, by their names.
type claims map[string]any

// claimReader reads what claims tell from the directory as it is now: a token
// keeps nothing of it. It reads only what is asked for.
type claimReader struct {
	store *store.Store
	// Each is one statement whose text is built once.
	personRow, projectRow, clientRow *store.Lookup
	// What they found: users by their primary keys, projects with the grant of a
	// user, and the projects of applications by the primary keys of these.
	people   *store.Cache[int64, person]
	projects *store.Cache[userProject, authorization]
	clients  *store.Cache[int64, string]
}

func newClaimReader(s *store.Store) *claimReader {
	r := &claimReader{store: s, personRow: personLookup(s), projectRow: projectLookup(s), clientRow: clientProjectLookup(s)}
	// A primary domain that is added changes what is told where there is none.
	r.people = store.NewCache(s, r.findPerson, ent.TypeUser, store.UserCounts, ent.TypeOrganization, ent.TypeOrganizationDomain).
		Only(func(p person) bool { return p.ownerDomain != "" })
	r.projects = store.NewCache(s, r.findProject, ent.TypeProject, ent.TypeUserGrant, ent.TypeOrganization, ent.TypeOrganizationDomain).
		Only(func(a authorization) bool { return a.domain != "" && len(a.roles) <= maxHeldRoles })
	r.clients = store.NewCache(s, r.findClientProject, ent.TypeApplication, ent.TypeProject)
	return r
}

// about is whom claims tell of, and how much.
type about struct {
	userKey int64
	asks    asks
	// personal has the claims of profile, email and phone, as far as they are
	// asked for.
	personal bool
	// metadata bounds that claim, in bytes.
	metadata int
	roles    []inProject
}

// inProject asks for the roles in a project.
type inProject struct {
	projectID string
	// own is the project of who asks.
	own bool
}

// of returns the claims. It returns the errors of the database.
func (r *claimReader) of(ctx context.Context, a about) (claims, error) {
	c := claims{}
	if a.asks.owner || a.asks.organization != "" || a.personal && a.asks.personal() {
		p, found, err := r.people.Get(ctx, a.userKey)
		if err != nil {
			return nil, err
		}
		if found {
			p.tell(c, a)
		}
	}
	if a.asks.metadata {
		if err := r.addMetadata(ctx, c, a); err != nil {
			return nil, err
		}
	}
	for _, in := range a.roles {
		if err := r.addRoles(ctx, c, a, in); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// idTokenClaims returns what an ID token tells beside the claims of every one
// (OpenID Connect Core 1.0, 2): all that the scopes ask for. Who gets one is a
// machine user, and many a machine never asks for userinfo.
func (e *endpoints) idTokenClaims(ctx context.Context, g token.Grant) (claims, error) {
	a := grantAbout(g, true)
	a.personal = true
	return e.claims.of(ctx, a)
}

// accessTokenClaims returns what an access token that is a JWT tells beside the
// claims of every one (RFC 9068, 2.2). It goes to every resource server, so it
// tells neither names nor addresses.
func (e *endpoints) accessTokenClaims(ctx context.Context, g token.Grant) (map[string]any, error) {
	if g.UserID == "" {
		return nil, nil
	}
	roles, err := assertsRoles(g.Client)
	if err != nil {
		return nil, err
	}
	return e.claims.of(ctx, grantAbout(g, roles))
}

// grantAbout returns what a signed token is to tell; nothing personal.
func grantAbout(g token.Grant, roles bool) about {
	a := about{userKey: g.UserKey, asks: readScopes(g.Scopes), metadata: maxSignedMetadata}
	if roles {
		a.roles = append(ownProject(g.Client.ProjectID), otherProjects(g.Audience, g.Client.ID, g.Client.ProjectID)...)
	}
	return a
}

// assertsRoles reports whether the access tokens of a client tell roles: those of
// an application if it wants them to, those of a machine user always.
func assertsRoles(c token.Client) (bool, error) {
	if c.ApplicationKey == 0 {
		return true, nil
	}
	var s application.OIDC
	if c.Kind != entapplication.KindOidc {
		return false, nil
	}
	err := json.Unmarshal(c.Settings, &s)
	return s.AccessTokenRoleAssertion, err
}

// ownProject asks for the roles in the project of an application; empty asks
// for none.
func ownProject(projectID string) []inProject {
	if projectID == "" {
		return nil
	}
	return []inProject{{projectID: projectID, own: true}}
}

// otherProjects asks for the roles in the projects of an audience, but for what
// is no project there, and the one whose roles are asked for already.
func otherProjects(audience []string, except ...string) []inProject {
	var in []inProject
	for _, projectID := range audience {
		if projectID != apiAudience && !slices.Contains(except, projectID) {
			in = append(in, inProject{projectID: projectID})
		}
	}
	return in
}

// clientProject returns the project of the application that got a token; empty
// where a machine user got it itself. It returns the errors of the database.
func (r *claimReader) clientProject(ctx context.Context, b token.Bearer) (projectID string, err error) {
	if b.ApplicationKey != 0 {
		projectID, _, err = r.clients.Get(ctx, b.ApplicationKey)
	}
	return projectID, err
}

func (r *claimReader) findClientProject(ctx context.Context, applicationKey int64) (projectID string, found bool, err error) {
	found, err = r.clientRow.Row(ctx, []any{applicationKey}, &projectID)
	return projectID, found, err
}

// clientProjectLookup finds the project of an application. Foreign keys never
// leave the instance that the query is confined to.
func clientProjectLookup(s *store.Store) *store.Lookup {
	return s.Lookup(entapplication.Table, func(s *sql.Selector) {
		projects := sql.Table(project.Table)
		s.Join(projects).On(s.C(entapplication.FieldProjectPk), projects.C(project.FieldID))
		s.Select(projects.C(project.FieldProjectID))
		s.Where(sql.EQ(s.C(entapplication.FieldID), store.Given))
	})
}
