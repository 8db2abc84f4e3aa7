package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/token"
)

// aboutUser are the scopes that only tell of the user whom the token stands for.
var aboutUser = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopePhone}

// confine sets what the new token is good for: what was asked for, everything if
// nothing was, but never more than the token of the subject is good for, or that
// of the actor where the subject has none. Then what is told of the user is free:
// the token of the actor tells of another one. What confines a token stays.
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
	x.confinedTo = readScopes(asked).organization
	if x.scope == "" {
		var err error
		if asked, err = e.inherited(ctx, g, x, asked); err != nil {
			return err
		}
	}
	if err := e.grantScopes(ctx, g, strings.Join(asked, " "), x.subject.organizationID); err != nil {
		return err
	}
	for _, scope := range g.Scopes {
		free := strings.HasPrefix(scope, scopeOrganization) || x.subject.token == nil && slices.Contains(aboutUser, scope)
		if !free && !slices.Contains(source.Scopes, scope) {
			return &refusal{code: invalidScope, description: "a scope goes beyond the token that is exchanged"}
		}
	}
	return e.target(ctx, g, x)
}

// inherited returns the scopes of the token that is exchanged without those of
// projects that the user may not, or no longer, address. Nobody asked for them.
func (e *endpoints) inherited(ctx context.Context, g *token.Grant, x exchange, scopes []string) ([]string, error) {
	var kept []string
	for _, scope := range scopes {
		if projectID, names := projectOf(scope); names && scope != token.ScopeAPI {
			if may, err := e.addresses(ctx, g, x, projectID); err != nil {
				return nil, err
			} else if !may {
				continue
			}
		}
		kept = append(kept, scope)
	}
	return kept, nil
}

// addresses is mayAddress without a refusal.
func (e *endpoints) addresses(ctx context.Context, g *token.Grant, x exchange, projectID string) (bool, error) {
	may, err := e.mayAddress(ctx, g, projectID, x.subject.organizationID, x.confinedTo)
	var refused *refusal
	if errors.As(err, &refused) {
		return false, nil
	}
	return may, err
}

// target leaves the new token the audience, and the scopes that name one, that
// was asked for, everything if none was: the client itself, and whoever may look
// at the token that is exchanged, as far as the user may address them. It returns
// a refusal with the code invalid_target (RFC 8693, 2.2.2).
func (e *endpoints) target(ctx context.Context, g *token.Grant, x exchange) error {
	source := x.source()
	reach := append([]string{g.Client.ID}, others(source)...)
	if slices.Contains(source.Scopes, token.ScopeAPI) {
		reach = append(reach, apiAudience)
	}
	for _, wanted := range x.audience {
		if !slices.Contains(reach, wanted) {
			return &refusal{code: invalidTarget, description: "an audience goes beyond the token that is exchanged"}
		}
		if may, err := e.mayTarget(ctx, g, x, wanted); err != nil {
			return err
		} else if !may {
			return &refusal{code: invalidTarget, description: "the user is not authorized in a project of the audience"}
		}
	}
	if len(x.audience) > 0 {
		reach = append([]string{g.Client.ID}, x.audience...)
		g.Audience = given(append(g.Audience, x.audience...))
	}
	beyond := func(audience string) bool { return !slices.Contains(reach, audience) }
	g.Audience = slices.DeleteFunc(g.Audience, beyond)
	g.Scopes = slices.DeleteFunc(g.Scopes, func(scope string) bool {
		project, names := projectOf(scope)
		return names && beyond(project)
	})
	return nil
}

// mayTarget reports whether the user may address who was asked for as an
// audience: any client, the APIs, and a project by the rules for those of scopes.
// It returns the errors of the database.
func (e *endpoints) mayTarget(ctx context.Context, g *token.Grant, x exchange, wanted string) (bool, error) {
	if wanted == g.Client.ID || wanted == apiAudience {
		return true, nil
	}
	client, err := e.store.Read().Application.Query().Where(application.ClientID(wanted)).Exist(ctx)
	if err != nil || client {
		return client, err
	}
	return e.addresses(ctx, g, x, wanted)
}
