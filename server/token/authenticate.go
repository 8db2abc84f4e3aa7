package token

import (
	"context"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
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
	case opaque && kind == id.PersonalAccessToken:
		return t.byPersonalAccessToken(ctx, token)
	case opaque && kind == id.AccessToken:
		return t.byAccessToken(ctx, token)
	case strings.Count(token, ".") == 2:
		return t.bySystemToken(token, audiences)
	default:
		return caller.Caller{}, fault.TokenInvalid.With()
	}
}

// bearer is what one statement reads of a token, its user and organization.
type bearer struct {
	TokenKey       int64      `sql:"token_key"`
	ExpiresAt      *time.Time `sql:"expires_at"`
	Scopes         []string   `sql:"scopes"` // of an access token
	UserKey        int64      `sql:"user_key"`
	UserID         string     `sql:"user_id"`
	OrganizationID string     `sql:"organization_id"`
}

func (b bearer) caller() caller.Caller {
	return caller.Caller{Kind: caller.User, ID: b.UserID, PrimaryKey: b.UserKey, OrganizationID: b.OrganizationID}
}

// selectBearer reads the columns of a bearer from a table of tokens; those of
// personal access tokens and of access tokens have the same names. Only tokens
// of active users in active organizations are found.
func selectBearer(s *sql.Selector) {
	u := joinActive(s, s.C(personalaccesstoken.FieldUserPk))
	s.Select(
		sql.As(s.C(personalaccesstoken.FieldID), "token_key"),
		s.C(personalaccesstoken.FieldExpiresAt),
		sql.As(u.C(user.FieldID), "user_key"),
		u.C(user.FieldUserID),
		sql.As(u.C(user.FieldResourceOwner), "organization_id"),
	)
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

func (t *Tokens) byPersonalAccessToken(ctx context.Context, token string) (caller.Caller, error) {
	var found []bearer
	err := t.store.Read().PersonalAccessToken.Query().
		Where(personalaccesstoken.Hash(id.Hash(token))).
		Modify(selectBearer).
		Scan(ctx, &found)
	b, err := t.valid(found, err)
	if err != nil {
		return caller.Caller{}, err
	}
	t.lastUse.note(usedToken{instanceID: caller.InstanceOf(ctx).ID, key: b.TokenKey}, t.store.Now())
	return b.caller(), nil
}

func (t *Tokens) byAccessToken(ctx context.Context, token string) (caller.Caller, error) {
	var found []bearer
	err := t.store.Read().AccessToken.Query().
		Where(accesstoken.Hash(id.Hash(token))).
		Modify(selectBearer, func(s *sql.Selector) { s.AppendSelect(s.C(accesstoken.FieldScopes)) }).
		Scan(ctx, &found)
	b, err := t.valid(found, err)
	if err != nil {
		return caller.Caller{}, err
	}
	if !slices.Contains(b.Scopes, ScopeAPI) {
		return caller.Caller{}, fault.TokenInvalid.With()
	}
	return b.caller(), nil
}

// valid returns the one bearer that was found, if it has not expired.
func (t *Tokens) valid(found []bearer, err error) (bearer, error) {
	if err != nil {
		return bearer{}, err
	}
	if len(found) != 1 || found[0].ExpiresAt != nil && !found[0].ExpiresAt.After(t.store.Now()) {
		return bearer{}, fault.TokenInvalid.With()
	}
	return found[0], nil
}
