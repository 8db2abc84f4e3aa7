package token

import (
	"context"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// Authenticate returns who sent a bearer token to the APIs: a personal access
// token or an access token of the instance of ctx, or a token that a system
// user signed for one of the audiences.
//
// It returns fault.TokenInvalid, without saying why, for a token that Bearer
// does not find, is not good for the APIs, or stands for no user. Database
// errors travel as they are.
func (t *Tokens) Authenticate(ctx context.Context, token string, audiences []string) (caller.Caller, error) {
	if strings.Count(token, ".") == 2 {
		if typ, _ := header(token); !isAccessType(typ) {
			return t.bySystemToken(token, audiences)
		}
	}
	b, err := t.Bearer(ctx, token)
	switch {
	case err != nil:
		return caller.Caller{}, err
	case b.UserKey == 0 || !slices.Contains(b.Scopes, ScopeAPI):
		return caller.Caller{}, fault.TokenInvalid.With()
	}
	t.NoteUse(ctx, b)
	return b.Caller(), nil
}

// confinedTo returns the organization that scopes confine a token to; empty for
// none.
func confinedTo(scopes []string) string {
	for _, s := range scopes {
		if organizationID, ok := strings.CutPrefix(s, ScopeOrganization); ok {
			return organizationID
		}
	}
	return ""
}
