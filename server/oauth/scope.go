package oauth

import (
	"context"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/server/token"
)

// The scopes that confine a token to an organization.
const (
	scopeOrganization       = "urn:zitadel:iam:org:id:"
	scopeOrganizationDomain = "urn:zitadel:iam:org:domain:primary:"
)

// grantScopes sets which of the scopes asked for the token is good for, and who
// may look at it. organizationID is that of whom it stands for. One that means
// nothing here is left out. One that confines the token must hold: to leave it
// out would give more than was asked for.
func (e *endpoints) grantScopes(_ context.Context, g *token.Grant, scope, organizationID string) error {
	for _, s := range strings.Split(scope, " ") {
		organization, confined := strings.CutPrefix(s, scopeOrganization)
		switch {
		case strings.ContainsFunc(s, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' }):
			return &refusal{code: invalidScope, description: "a scope has a character that scopes do not have"}
		case confined && organization != organizationID:
			return &refusal{code: invalidScope, description: "the user does not belong to the organization of the scope"}
		case strings.HasPrefix(s, scopeOrganizationDomain):
			return &refusal{code: invalidScope, description: "a token cannot be confined to a domain, only to an organization by its id"}
		case (s == token.ScopeOpenID || s == token.ScopeAPI || confined) && !slices.Contains(g.Scopes, s):
			g.Scopes = append(g.Scopes, s)
		}
	}
	g.Audience = append(g.Audience, g.Client.ID)
	return nil
}
