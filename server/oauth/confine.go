package oauth

import (
	"context"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/token"
)

// aboutUser are the scopes that only tell of the user whom the token stands for.
var aboutUser = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopePhone}

// confine sets what the new token is good for: what was asked for, everything if
// nothing was, but never more than the token of the subject is good for, or that
// of the actor where the subject has none. What confines a token stays.
func (e *endpoints) confine(ctx context.Context, g *token.Grant, x exchange) error {
	source := x.source()
	asked := slices.Clone(source.Scopes)
	if x.scope != "" {
		asked = strings.Split(x.scope, " ")
	}
	for _, b := range x.sources() {
		for _, scope := range b.Scopes {
			if strings.HasPrefix(scope, scopeOrganization) && !slices.Contains(asked, scope) {
				asked = append(asked, scope)
			}
		}
	}
	if err := e.grantScopes(ctx, g, strings.Join(asked, " "), x.subject.organizationID); err != nil {
		return err
	}
	for _, scope := range g.Scopes {
		if !slices.Contains(source.Scopes, scope) && !slices.Contains(aboutUser, scope) && !strings.HasPrefix(scope, scopeOrganization) {
			return &refusal{code: invalidScope, description: "a scope goes beyond the token that is exchanged"}
		}
	}
	return target(g, source, x.audience)
}

// target leaves the new token the audience, and the scopes that name one, that
// was asked for, everything if none was: the client itself, and whoever may look
// at the token that is exchanged.
func target(g *token.Grant, source token.Bearer, asked []string) error {
	reach := append([]string{g.Client.ID}, source.Audience...)
	if slices.Contains(source.Scopes, token.ScopeAPI) {
		reach = append(reach, apiAudience)
	}
	for _, wanted := range asked {
		if !slices.Contains(reach, wanted) {
			return &refusal{code: invalidTarget, description: "an audience goes beyond the token that is exchanged"}
		}
	}
	if len(asked) > 0 {
		reach = append([]string{g.Client.ID}, asked...)
		g.Audience = given(append(g.Audience, asked...))
	}
	beyond := func(audience string) bool { return !slices.Contains(reach, audience) }
	g.Audience = slices.DeleteFunc(g.Audience, beyond)
	g.Scopes = slices.DeleteFunc(g.Scopes, func(scope string) bool {
		project, names := projectOf(scope)
		return names && beyond(project)
	})
	return nil
}
