package oauth

import (
	"context"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/ent/usergrant"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/token"
)

// SCAFFOLD: drop this file at the merge, scope.go and introspect.go have all of
// it.

const scopeProject, scopeProjectSuffix = "urn:zitadel:iam:org:project:id:", ":aud"

const apiAudience = "zitadel"

func projectOf(scope string) (string, bool) {
	rest, ok := strings.CutPrefix(scope, scopeProject)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, scopeProjectSuffix)
}

func (e *endpoints) mayLookAt(ctx context.Context, c token.Client, b token.Bearer) (bool, error) {
	if b.Kind != id.PersonalAccessToken {
		return slices.Contains(b.Audience, c.ID) || slices.Contains(b.Audience, c.ProjectID), nil
	}
	if b.OrganizationID == c.OrganizationID {
		return true, nil
	}
	return e.store.Read().UserGrant.Query().
		Where(usergrant.UserPk(b.UserKey), usergrant.ProjectPk(c.ProjectKey), usergrant.StateEQ(usergrant.StateActive)).
		Exist(ctx)
}
