package token

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/project"
	"github.com/bastide-id/bastide/ent/signingkey"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// Bearer is whom a token that is valid now stands for, and what it is good for.
// It is shared: nobody changes its lists.
type Bearer struct {
	// Kind is that of a personal access token or of an access token.
	Kind      id.Kind
	TokenID   string
	CreatedAt time.Time
	// ExpiresAt is nil for a token that never does.
	ExpiresAt *time.Time
	Scopes    []string
	// Audience has the client ids and the projects that may look at it; none
	// for a personal access token.
	Audience []string
	// Actor is who acts for the user: the claim `act`; nil for nobody.
	Actor json.RawMessage

	// The user; zero for the token of an application itself.
	UserKey        int64
	UserID         string
	OrganizationID string

	// ClientID is who got the token: an application, or the user itself.
	ClientID string
	// ApplicationKey is the primary key of that application; 0 for none.
	ApplicationKey int64

	tokenKey int64
	actorID  string
}

// Subject returns whom the token stands for: the claim `sub`.
func (b Bearer) Subject() string {
	if b.UserID != "" {
		return b.UserID
	}
	return b.ClientID
}

// Bearer returns whom an opaque token, or an access token that is a JWT, of the
// instance of ctx stands for.
//
// It returns fault.TokenInvalid, without saying why, for a token that is
// unknown, expired, cut or altered, is of another instance, was signed with a
// key that is gone, or belongs to a user, an organization, an application or a
// project that is not active, or to an impersonator who may not be one any more.
// Database errors travel as they are.
func (t *Tokens) Bearer(ctx context.Context, token string) (Bearer, error) {
	kind, opaque := id.KindOf(token)
	keyID := ""
	if !opaque {
		kind = id.AccessToken
		keyID = signedAccess(token)
	}
	if !opaque && keyID == "" || caller.InstanceOf(ctx).ID == "" {
		return Bearer{}, fault.TokenInvalid.With()
	}
	b, found, err := t.bearers.Get(ctx, bearerKey{kind: kind, hash: [sha256.Size]byte(id.Hash(token)), keyID: keyID})
	if err == nil && (!found || b.ExpiresAt != nil && !b.ExpiresAt.After(t.store.Now())) {
		err = fault.TokenInvalid.With()
	}
	if err == nil {
		err = t.checkActor(ctx, &b)
	}
	return b, err
}

// bearerKey is what a token is looked for by.
type bearerKey struct {
	kind id.Kind
	hash [sha256.Size]byte
	// keyID is that of the signing key of a JWT; empty for an opaque token.
	keyID string
}

// maxHeld bounds what is held of an answer that has lists or settings, in bytes.
const maxHeld = 4 << 10

// newBearers returns the cache of tokens that are there, expired or not.
func (t *Tokens) newBearers() *store.Cache[bearerKey, Bearer] {
	return store.NewCache(t.store, t.findBearer,
		ent.TypeAccessToken, ent.TypePersonalAccessToken, ent.TypeSigningKey, ent.TypeUser,
		ent.TypeApplication, ent.TypeProject, ent.TypeOrganization, ent.TypeInstance,
	).Only(func(b Bearer) bool { return b.size() <= maxHeld })
}

// size returns how many bytes the lists and the actor take up.
func (b Bearer) size() int {
	size := len(b.Actor)
	for _, list := range [][]string{b.Scopes, b.Audience} {
		for _, s := range list {
			size += len(s) + len(`"",`)
		}
	}
	return size
}

// findBearer finds a token, whether or not it has expired.
func (t *Tokens) findBearer(ctx context.Context, key bearerKey) (b Bearer, found bool, err error) {
	b = Bearer{Kind: key.kind}
	switch {
	case key.keyID != "":
		found, err = t.findAccess(ctx, t.signed, []any{key.hash[:], key.keyID}, &b)
	case b.Kind == id.PersonalAccessToken:
		found, err = t.findPersonal(ctx, key.hash[:], &b)
	default:
		found, err = t.findAccess(ctx, t.access, []any{key.hash[:]}, &b)
	}
	// Who appends to a list gets one of its own.
	b.Scopes, b.Audience = slices.Clip(b.Scopes), slices.Clip(b.Audience)
	return b, found, err
}

func (t *Tokens) findPersonal(ctx context.Context, hash []byte, b *Bearer) (bool, error) {
	var scopes []byte
	found, err := t.personal.Row(ctx, []any{hash},
		&b.tokenKey, &b.TokenID, &b.CreatedAt, &b.ExpiresAt, &scopes, &b.UserKey, &b.UserID, &b.OrganizationID)
	if err != nil || !found {
		return false, err
	}
	b.ClientID = b.UserID
	return true, json.Unmarshal(scopes, &b.Scopes)
}

// personalLookup finds a personal access token by its hash, with its user. Only
// those of active users in active organizations are found.
func personalLookup(s *store.Store) *store.Lookup {
	return s.Lookup(personalaccesstoken.Table, func(s *sql.Selector) {
		u := joinActive(s, s.C(personalaccesstoken.FieldUserPk))
		s.Select(
			s.C(personalaccesstoken.FieldID),
			s.C(personalaccesstoken.FieldTokenID),
			s.C(personalaccesstoken.FieldCreatedAt),
			s.C(personalaccesstoken.FieldExpiresAt),
			s.C(personalaccesstoken.FieldScopes),
			u.C(user.FieldID),
			u.C(user.FieldUserID),
			u.C(user.FieldResourceOwner),
		)
		s.Where(sql.EQ(s.C(personalaccesstoken.FieldHash), store.Given))
	})
}

// findAccess finds an access token with one of the lookups below.
func (t *Tokens) findAccess(ctx context.Context, in *store.Lookup, given []any, b *Bearer) (bool, error) {
	var scopes, audience, actor []byte
	var userKey, applicationKey *int64
	var userID, organizationID, userState, homeState, clientID, state, projectState, ownerState *string
	found, err := in.Row(ctx, given,
		&b.tokenKey, &b.TokenID, &b.CreatedAt, &b.ExpiresAt, &scopes, &audience, &actor,
		&userKey, &userID, &organizationID, &userState, &homeState,
		&applicationKey, &clientID, &state, &projectState, &ownerState)
	if err != nil || !found {
		return false, err
	}
	if userKey != nil {
		if !is(userState, user.StateActive) || !is(homeState, organization.StateActive) {
			return false, nil
		}
		b.UserKey, b.UserID, b.OrganizationID, b.ClientID = *userKey, *userID, *organizationID, *userID
	}
	if applicationKey != nil {
		if !is(state, application.StateActive) || !is(projectState, project.StateActive) || !is(ownerState, organization.StateActive) {
			return false, nil
		}
		b.ApplicationKey, b.ClientID = *applicationKey, *clientID
	}
	if userKey == nil && applicationKey == nil {
		return false, nil // of nobody
	}
	if actor != nil {
		b.Actor = actor
	}
	return true, errors.Join(json.Unmarshal(scopes, &b.Scopes), json.Unmarshal(audience, &b.Audience))
}

func is[S ~string](state *string, wanted S) bool { return state != nil && *state == string(wanted) }

// accessLookup finds an access token by its hash, with the user and the
// application that it may have, and their states. Foreign keys never leave the
// instance that the query is confined to.
func accessLookup(s *store.Store) *store.Lookup {
	return s.Lookup(accesstoken.Table, selectAccess)
}

// signedLookup is accessLookup for a JWT, by its hash and its key, which has to
// be one of the instance still: a token is as good as the key that signed it.
func signedLookup(s *store.Store) *store.Lookup {
	return s.Lookup(accesstoken.Table, func(s *sql.Selector) {
		selectAccess(s)
		keys := sql.Table(signingkey.Table).As("k")
		s.Join(keys).On(s.C(accesstoken.FieldInstanceID), keys.C(signingkey.FieldInstanceID))
		s.Where(sql.EQ(keys.C(signingkey.FieldKeyID), store.Given))
	})
}

func selectAccess(s *sql.Selector) {
	users, homes := sql.Table(user.Table).As("u"), sql.Table(organization.Table).As("uo")
	applications, projects, owners := sql.Table(application.Table).As("a"), sql.Table(project.Table).As("p"), sql.Table(organization.Table).As("po")
	s.LeftJoin(users).On(s.C(accesstoken.FieldUserPk), users.C(user.FieldID))
	s.LeftJoin(homes).On(users.C(user.FieldOrganizationPk), homes.C(organization.FieldID))
	s.LeftJoin(applications).On(s.C(accesstoken.FieldApplicationPk), applications.C(application.FieldID))
	s.LeftJoin(projects).On(applications.C(application.FieldProjectPk), projects.C(project.FieldID))
	s.LeftJoin(owners).On(projects.C(project.FieldOrganizationPk), owners.C(organization.FieldID))
	s.Select(
		s.C(accesstoken.FieldID), s.C(accesstoken.FieldTokenID), s.C(accesstoken.FieldCreatedAt), s.C(accesstoken.FieldExpiresAt),
		s.C(accesstoken.FieldScopes), s.C(accesstoken.FieldAudience), s.C(accesstoken.FieldActor),
		users.C(user.FieldID), users.C(user.FieldUserID), users.C(user.FieldResourceOwner), users.C(user.FieldState), homes.C(organization.FieldState),
		applications.C(application.FieldID), applications.C(application.FieldClientID), applications.C(application.FieldState),
		projects.C(project.FieldState), owners.C(organization.FieldState),
	)
	s.Where(sql.EQ(s.C(accesstoken.FieldHash), store.Given))
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
