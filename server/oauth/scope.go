package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/token"
)

// The scopes beside those of OpenID Connect and token.ScopeAPI.
const (
	// scopeOwner asks for the organization of the user, scopeMetadata for its
	// metadata.
	scopeOwner    = "urn:zitadel:iam:user:resourceowner"
	scopeMetadata = "urn:zitadel:iam:user:metadata"
	// scopeProjectsRoles asks for the roles in all projects of the audience,
	// scopeRole, with the key of a role, for this one at most.
	scopeProjectsRoles = "urn:zitadel:iam:org:projects:roles"
	scopeRole          = "urn:zitadel:iam:org:project:role:"
	// A project between these two becomes one of the audience.
	scopeProject       = "urn:zitadel:iam:org:project:id:"
	scopeProjectSuffix = ":aud"
	// These confine a token to an organization.
	scopeOrganization       = token.ScopeOrganization
	scopeOrganizationDomain = "urn:zitadel:iam:org:domain:primary:"
)

// apiAudience is what a token that is good for the APIs has in its audience.
const apiAudience = "zitadel"

// userScopes mean something for a token that stands for a user.
var userScopes = []string{
	oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopePhone,
	scopeOwner, scopeMetadata, scopeProjectsRoles,
}

const (
	maxScopes = 100
	// maxScope has room for the key of any role and the id of any project.
	maxScope = 300
	// maxProjects bounds what is read when a token is given, and whenever it is
	// looked at; maxGranted, in bytes, what its row keeps.
	maxProjects = 20
	maxGranted  = 4 << 10
)

// asks is what granted scopes ask for.
type asks struct {
	profile, email, phone bool
	owner, metadata       bool
	// allRoles asks for the roles in every project of the audience; keys, if
	// there are any, for these alone.
	allRoles bool
	keys     []string
	// organization is the one that the token is confined to; empty for none.
	organization string
}

// roles reports whether role claims are asked for.
func (a asks) roles() bool { return a.allRoles || len(a.keys) > 0 }

// personal reports whether claims are asked for that tell of the user itself.
func (a asks) personal() bool { return a.profile || a.email || a.phone }

// readScopes returns what granted scopes ask for.
func readScopes(scopes []string) (a asks) {
	for _, s := range scopes {
		switch s {
		case oidc.ScopeProfile:
			a.profile = true
		case oidc.ScopeEmail:
			a.email = true
		case oidc.ScopePhone:
			a.phone = true
		case scopeOwner:
			a.owner = true
		case scopeMetadata:
			a.metadata = true
		case scopeProjectsRoles:
			a.allRoles = true
		default:
			if key, ok := strings.CutPrefix(s, scopeRole); ok {
				a.keys = append(a.keys, key)
			} else if organization, ok := strings.CutPrefix(s, scopeOrganization); ok {
				a.organization = organization
			}
		}
	}
	return a
}

// projectOf returns the project that a scope puts into the audience.
func projectOf(scope string) (string, bool) {
	rest, ok := strings.CutPrefix(scope, scopeProject)
	if !ok {
		return "", false
	}
	projectID, ok := strings.CutSuffix(rest, scopeProjectSuffix)
	return projectID, ok && projectID != ""
}

// grantScopes sets which of the scopes asked for the token is good for, and who
// may look at it. organizationID is that of whom it stands for. One that means
// nothing here is left out, and so is a project that is unknown or not active.
// One that confines the token must hold: to leave it out would give more than
// was asked for. It returns a refusal with the code invalid_scope (RFC 6749,
// 5.2), and the errors of the database.
func (e *endpoints) grantScopes(ctx context.Context, g *token.Grant, scope, organizationID string) error {
	asked := strings.Split(scope, " ")
	if err := checkScopes(asked, organizationID); err != nil {
		return err
	}
	confined := readScopes(asked).organization
	g.Audience = appendNew(g.Audience, g.Client.ID)
	for _, s := range asked {
		if slices.Contains(g.Scopes, s) {
			continue
		}
		audience, granted, err := e.grantScope(ctx, g, s, organizationID, confined)
		if err != nil {
			return err
		}
		if granted {
			g.Scopes = append(g.Scopes, s)
		}
		if granted && audience != "" {
			g.Audience = appendNew(g.Audience, audience)
		}
	}
	if len(strings.Join(g.Scopes, " ")) > maxGranted {
		return &refusal{code: invalidScope, description: fmt.Sprintf("the scopes together are longer than %d characters", maxGranted)}
	}
	return nil
}

// grantScope reports whether a scope means something for the token, and returns
// what it puts into the audience; empty for nothing. Most mean nothing for the
// token of an application itself, which stands for no user.
func (e *endpoints) grantScope(ctx context.Context, g *token.Grant, scope, organizationID, confined string) (audience string, granted bool, err error) {
	user := g.UserID != ""
	switch {
	case scope == token.ScopeAPI:
		return apiAudience, user, nil
	case slices.Contains(userScopes, scope), strings.HasPrefix(scope, scopeRole):
		return "", user && scope != scopeRole, nil
	case strings.HasPrefix(scope, scopeOrganization):
		return "", true, nil
	}
	projectID, ok := projectOf(scope)
	if !ok {
		return "", false, nil
	}
	granted, err = e.mayAddress(ctx, g, projectID, organizationID, confined)
	return projectID, granted, err
}

// checkScopes returns a refusal of scopes that are none (RFC 6749, 3.3), of too
// many, of too many projects, and of one that confines the token to what it
// cannot be confined to.
func checkScopes(asked []string, organizationID string) error {
	if len(asked) > maxScopes {
		return &refusal{code: invalidScope, description: fmt.Sprintf("there are more than %d scopes", maxScopes)}
	}
	var projects []string
	for _, s := range asked {
		if projectID, ok := projectOf(s); ok && s != token.ScopeAPI {
			projects = appendNew(projects, projectID)
		}
		organization, confined := strings.CutPrefix(s, scopeOrganization)
		switch {
		case len(projects) > maxProjects:
			return &refusal{code: invalidScope, description: fmt.Sprintf("the scopes name more than %d projects", maxProjects)}
		case len(s) > maxScope:
			return &refusal{code: invalidScope, description: fmt.Sprintf("a scope is longer than %d characters", maxScope)}
		case strings.ContainsFunc(s, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' }):
			return &refusal{code: invalidScope, description: "a scope has a character that scopes do not have"}
		case confined && organization != organizationID:
			return &refusal{code: invalidScope, description: "the user does not belong to the organization of the scope"}
		case strings.HasPrefix(s, scopeOrganizationDomain):
			return &refusal{code: invalidScope, description: "a token cannot be confined to a domain, only to an organization by its id"}
		}
	}
	return nil
}

// mayAddress reports whether a project can be put into the audience: it has to
// be active and, where the token is confined to an organization, to belong to
// it. It returns a refusal where the project checks who its users are, and the
// user is none of them. An application stands for no user: it is one of its own
// project only.
func (e *endpoints) mayAddress(ctx context.Context, g *token.Grant, projectID, organizationID, confined string) (bool, error) {
	in, found, err := e.claims.project(ctx, g.UserKey, projectID)
	if err != nil || !found || confined != "" && in.owner != confined {
		return false, err
	}
	own := g.UserID == "" && g.Client.ProjectID == projectID
	if !own && !in.letsIn(organizationID) {
		return false, &refusal{code: invalidScope, description: "the user is not authorized in a project of the scopes"}
	}
	return true, nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
