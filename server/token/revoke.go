package token

import (
	"context"
	"errors"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/ent/predicate"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// IsJWT reports whether a token has the form of a JWT, as opaque ones have not.
func IsJWT(token string) bool { return strings.Count(token, ".") == 2 }

// Revoke takes back an access token or a personal access token of the instance
// of ctx, and the tokens that were exchanged for it. by is the client that the
// token was issued to; its Credential is empty where nothing but the token
// proves that it is (RFC 7009, 2.1). A token that is unknown, expired or another
// client's is left alone.
//
// It returns fault.TokenInvalid for a token that was got with a secret, by a
// client that did not prove itself. Database errors travel as they are.
func (t *Tokens) Revoke(ctx context.Context, token string, by Client) error {
	kind, _ := id.KindOf(token)
	switch {
	case kind == id.PersonalAccessToken:
		return t.revokePersonal(ctx, token, by)
	case kind == id.AccessToken || IsJWT(token):
		return t.revokeAccess(ctx, token, by)
	default:
		return nil
	}
}

func (t *Tokens) revokePersonal(ctx context.Context, token string, by Client) error {
	row, err := t.store.Read().PersonalAccessToken.Query().Where(personalaccesstoken.Hash(id.Hash(token))).Only(ctx)
	if ent.IsNotFound(err) || err == nil && row.UserPk != by.UserKey {
		return nil
	}
	if err != nil {
		return err
	}
	return goneIsDone(t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := tx.User.Query().Where(user.ID(row.UserPk)).Only(ctx)
		if err != nil {
			return err
		}
		if err := tx.Lock(ctx, store.UserObject(u)); err != nil {
			return err
		}
		_, _, err = RemovePersonalAccessToken(ctx, tx, u, row.TokenID)
		return err
	}))
}

func (t *Tokens) revokeAccess(ctx context.Context, token string, by Client) error {
	row, err := t.store.Read().AccessToken.Query().
		Where(accesstoken.Hash(id.Hash(token)), accesstoken.ExpiresAtGT(t.store.Now())).Only(ctx)
	if ent.IsNotFound(err) || err == nil && !issuedTo(row, by) {
		return nil
	}
	if err != nil {
		return err
	}
	if by.Credential == "" && row.Credential == secretCredential {
		return fault.TokenInvalid.With()
	}
	return goneIsDone(t.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		object, as, err := countedOn(ctx, tx, row)
		if err != nil {
			return err
		}
		// Whoever else takes it back waits here, and finds it gone.
		if err := tx.Lock(ctx, object); err != nil {
			return err
		}
		there := accesstoken.ID(row.ID)
		if is, err := tx.AccessToken.Query().Where(there).Exist(ctx); err != nil || !is {
			return err
		}
		if err := EndTokens(ctx, tx, there); err != nil {
			return err
		}
		_, err = tx.Record(ctx, as, object, store.Payload{Public: map[string]any{"tokenId": row.TokenID, "clientId": by.ID}})
		return err
	}))
}

// issuedTo reports whether a client got a token: an application, or the user
// itself.
func issuedTo(row *ent.AccessToken, c Client) bool {
	if row.ApplicationPk != nil {
		return *row.ApplicationPk == c.ApplicationKey
	}
	return row.UserPk != nil && *row.UserPk == c.UserKey
}

// countedOn returns what the end of a token is a change of, and its type: the
// user that it stands for, or the project of the application that it stands for.
func countedOn(ctx context.Context, tx *store.Tx, row *ent.AccessToken) (store.Object, store.EventType, error) {
	if row.UserPk != nil {
		u, err := tx.User.Query().Where(user.ID(*row.UserPk)).Only(ctx)
		if err != nil {
			return store.Object{}, "", err
		}
		return store.UserObject(u), store.UserTokenRemoved, nil
	}
	p, err := tx.Application.Query().Where(application.ID(*row.ApplicationPk)).QueryProject().Only(ctx)
	if err != nil {
		return store.Object{}, "", err
	}
	return store.ProjectObject(p), store.ProjectApplicationTokenRemoved, nil
}

// goneIsDone forgives that another call removed what was to be taken back.
func goneIsDone(err error) error {
	if ent.IsNotFound(err) || errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// chunk is how many tokens a statement names at most.
const chunk = 1000

// EndTokens deletes the access tokens that match all conditions, and those that
// were exchanged for them, by whomever. What they belong to is locked. It
// returns the errors of the database.
func EndTokens(ctx context.Context, tx *store.Tx, which ...predicate.AccessToken) error {
	// Nothing is exchanged for one of them from then on: an exchange holds its
	// sources until it ends (Bearer.Keep), and finds them gone after that.
	if _, err := tx.AccessToken.Query().Where(which...).Where(store.Alone).IDs(ctx); err != nil {
		return err
	}
	exchanged, err := exchangedFor(ctx, tx, which...)
	if err != nil {
		return err
	}
	if _, err := tx.AccessToken.Delete().Where(which...).Exec(ctx); err != nil {
		return err
	}
	for some := range slices.Chunk(exchanged, chunk) {
		if err := endExchanged(ctx, tx, some...); err != nil {
			return err
		}
	}
	return nil
}

// endExchanged ends the tokens that were exchanged for those with the ids. One
// statement for both would use no index.
func endExchanged(ctx context.Context, tx *store.Tx, ids ...string) error {
	if err := EndTokens(ctx, tx, accesstoken.ApplicationPkNotNil(), accesstoken.CredentialIn(ids...)); err != nil {
		return err
	}
	return EndTokens(ctx, tx, accesstoken.SourceIn(ids...))
}

// exchangedFor returns the ids of the tokens that match all conditions and that
// others were exchanged for. Only applications exchange tokens.
func exchangedFor(ctx context.Context, tx *store.Tx, which ...predicate.AccessToken) ([]string, error) {
	named, err := namedBy(ctx, tx, accesstoken.FieldCredential, which...)
	if err != nil {
		return nil, err
	}
	sources, err := namedBy(ctx, tx, accesstoken.FieldSource, which...)
	return append(named, sources...), err
}

// namedBy returns the ids of the tokens that match all conditions and that a
// column of others names.
func namedBy(ctx context.Context, tx *store.Tx, column string, which ...predicate.AccessToken) ([]string, error) {
	return tx.AccessToken.Query().Where(accesstoken.ApplicationPkNotNil(), func(s *sql.Selector) {
		of := sql.Table(accesstoken.Table).As("exchanged")
		ids := sql.Dialect(s.Dialect()).Select(of.C(accesstoken.FieldTokenID)).From(of)
		for _, matches := range which {
			matches(ids)
		}
		// As a part of another query it is not confined by itself.
		ids.Where(sql.EQ(of.C(accesstoken.FieldInstanceID), caller.InstanceOf(ctx).ID))
		s.Where(sql.In(s.C(column), ids))
	}).Unique(true).Select(column).Strings(ctx)
}

// User returns the object that changes of the token's user count on.
func (b Bearer) User() store.Object {
	return store.UserObject(&ent.User{ID: b.UserKey, UserID: b.UserID, ResourceOwner: b.OrganizationID})
}

// Caller returns the user who acts with the token, and who acts for the user.
func (b Bearer) Caller() caller.Caller {
	return caller.Caller{
		Kind: caller.User, ID: b.UserID, PrimaryKey: b.UserKey, OrganizationID: b.OrganizationID,
		ConfinedTo: confinedTo(b.Scopes), Actor: b.actorID,
	}
}

// Keep holds a token until the transaction ends, and reports whether it was not
// taken back since Bearer found it. Its user is locked.
func (b Bearer) Keep(ctx context.Context, tx *store.Tx) (bool, error) {
	held := func(s *sql.Selector) {
		if s.Dialect() == dialect.Postgres {
			s.ForShare()
		}
	}
	var keys []int64
	var err error
	if b.Kind == id.PersonalAccessToken {
		keys, err = tx.PersonalAccessToken.Query().Where(personalaccesstoken.ID(b.tokenKey), held).IDs(ctx)
	} else {
		keys, err = tx.AccessToken.Query().Where(accesstoken.ID(b.tokenKey), held).IDs(ctx)
	}
	return len(keys) > 0, err
}
