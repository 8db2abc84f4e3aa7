package token

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// Authenticate returns who sent a bearer token: a personal access token or an
// access token of the instance of ctx, or a token that a system user signed
// for one of the audiences.
//
// It returns fault.TokenInvalid, without saying why, for a token that is
// unknown, expired or cut, is of another instance, or belongs to a user or an
// organization that is not active. Database errors travel as they are.
func (t *Tokens) Authenticate(ctx context.Context, token string, audiences []string) (caller.Caller, error) {
	kind, opaque := id.KindOf(token)
	switch {
	case opaque && caller.InstanceOf(ctx).ID == "":
		return caller.Caller{}, fault.TokenInvalid.With()
	case opaque:
		b, err := t.byToken(ctx, t.lookups[kind], token)
		if err != nil {
			return caller.Caller{}, err
		}
		if kind == id.PersonalAccessToken {
			t.lastUse.note(usedToken{instanceID: caller.InstanceOf(ctx).ID, key: b.tokenKey}, t.store.Now())
		}
		return b.caller(), nil
	case strings.Count(token, ".") == 2:
		return t.bySystemToken(token, audiences)
	default:
		return caller.Caller{}, fault.TokenInvalid.With()
	}
}

// bearer is what one statement reads of a token, its user and organization.
type bearer struct {
	tokenKey       int64
	expiresAt      *time.Time
	scopes         []byte // a list in JSON
	userKey        int64
	userID         string
	organizationID string
}

// bearerLookup finds a bearer by the hash of a token, in a table of tokens; the
// columns of personal access tokens and of access tokens have the same names.
// Only tokens of active users in active organizations are found.
func bearerLookup(s *store.Store, table string) *store.Lookup {
	return s.Lookup(table, func(s *sql.Selector) {
		u := joinActive(s, s.C(personalaccesstoken.FieldUserPk))
		s.Select(
			s.C(personalaccesstoken.FieldID),
			s.C(personalaccesstoken.FieldExpiresAt),
			s.C(personalaccesstoken.FieldScopes),
			u.C(user.FieldID),
			u.C(user.FieldUserID),
			u.C(user.FieldResourceOwner),
		)
		s.Where(sql.EQ(s.C(personalaccesstoken.FieldHash), store.Given))
	})
}

// joinActive joins the user that a column points at and its organization, both
// active. Foreign keys never leave the instance that the query is confined to.
func joinActive(s *sql.Selector, userKey string) *sql.SelectTable {
	users := sql.Table(user.Table)
	s.Join(users).On(userKey, users.C(user.FieldID))
	joinActiveOrganization(s, users.C)
	s.Where(sql.EQ(users.C(user.FieldState), user.StateActive))
	return users
}

// joinActiveOrganization joins the organization of a user, active. column names
// a column of the user.
func joinActiveOrganization(s *sql.Selector, column func(string) string) {
	organizations := sql.Table(organization.Table)
	s.Join(organizations).On(column(user.FieldOrganizationPk), organizations.C(organization.FieldID))
	s.Where(sql.EQ(organizations.C(organization.FieldState), organization.StateActive))
}

// byToken returns the user of an opaque token that is good for the APIs.
func (t *Tokens) byToken(ctx context.Context, lookup *store.Lookup, token string) (bearer, error) {
	var b bearer
	found, err := lookup.Row(ctx, []any{id.Hash(token)},
		&b.tokenKey, &b.expiresAt, &b.scopes, &b.userKey, &b.userID, &b.organizationID)
	if err != nil {
		return b, err
	}
	var scopes []string
	if found {
		if err := json.Unmarshal(b.scopes, &scopes); err != nil {
			return b, err
		}
	}
	if !slices.Contains(scopes, ScopeAPI) || b.expiresAt != nil && !b.expiresAt.After(t.store.Now()) {
		return b, fault.TokenInvalid.With()
	}
	return b, nil
}

func (b bearer) caller() caller.Caller {
	return caller.Caller{Kind: caller.User, ID: b.userID, PrimaryKey: b.userKey, OrganizationID: b.organizationID}
}
