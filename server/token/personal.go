package token

import (
	"context"
	"log/slog"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

const redacted = "[redacted]"

// PersonalAccessToken is a new token of a machine user.
type PersonalAccessToken struct {
	ID string
	// Token is what the machine sends. Only its hash is stored.
	Token string
	// ExpiresAt is nil for a token that never expires.
	ExpiresAt *time.Time
}

// String keeps the token out of logs.
func (PersonalAccessToken) String() string { return redacted }

// GoString keeps the token out of logs.
func (PersonalAccessToken) GoString() string { return redacted }

// LogValue keeps the token out of logs.
func (PersonalAccessToken) LogValue() slog.Value { return slog.StringValue(redacted) }

// NewPersonalAccessToken returns a token that is valid once it is saved, until
// expiresAt; nil means forever. It returns fault.Unavailable when no id can be
// made.
func (t *Tokens) NewPersonalAccessToken(expiresAt *time.Time) (PersonalAccessToken, error) {
	tokenID, err := t.store.NewID()
	if err != nil {
		return PersonalAccessToken{}, err
	}
	return PersonalAccessToken{
		ID:        tokenID,
		Token:     id.NewToken(id.PersonalAccessToken),
		ExpiresAt: stored(expiresAt),
	}, nil
}

// Save stores the hash of the token for the user and records it as a change of
// the user. It returns the errors of the database.
func (p PersonalAccessToken) Save(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	payload := map[string]any{"tokenId": p.ID}
	if p.ExpiresAt != nil {
		payload["expiration"] = p.ExpiresAt.Format(time.RFC3339Nano)
	}
	change, err := tx.Record(ctx, store.UserPATAdded, store.UserObject(u), store.Payload{Public: payload})
	if err != nil {
		return change, err
	}
	return change, tx.PersonalAccessToken.Create().
		SetTokenID(p.ID).
		SetUserPk(u.ID).
		SetHash(id.Hash(p.Token)).
		SetScopes([]string{ScopeOpenID, ScopeAPI}).
		SetNillableExpiresAt(p.ExpiresAt).
		SetSequence(change.Sequence).
		Exec(ctx)
}

// PersonalAccessTokenOf returns a token of the user by its id, or
// fault.TokenUnknown. It serves reads and transactions alike.
func PersonalAccessTokenOf(ctx context.Context, tokens *ent.PersonalAccessTokenClient, u *ent.User, tokenID string) (*ent.PersonalAccessToken, error) {
	row, err := tokens.Query().Where(personalaccesstoken.UserPk(u.ID), personalaccesstoken.TokenID(tokenID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.TokenUnknown.With()
	}
	return row, err
}

// PersonalAccessTokensOf returns a page of the tokens of the user in the order
// in which they were made, expired ones too, and how many there are.
func PersonalAccessTokensOf(ctx context.Context, s *store.Store, u *ent.User, page store.Page) ([]*ent.PersonalAccessToken, uint64, error) {
	q := s.Read().PersonalAccessToken.Query().Where(personalaccesstoken.UserPk(u.ID))
	return store.List(ctx, s, q, page, personalaccesstoken.ByCreatedAt, personalaccesstoken.ByID)
}

// RemovePersonalAccessToken takes a token from the user, who is locked, and
// returns what it was. Nobody is let in with it from then on. It returns
// fault.TokenUnknown.
func RemovePersonalAccessToken(ctx context.Context, tx *store.Tx, u *ent.User, tokenID string) (store.Change, *ent.PersonalAccessToken, error) {
	row, err := PersonalAccessTokenOf(ctx, tx.PersonalAccessToken, u, tokenID)
	if err != nil {
		return store.Change{}, nil, err
	}
	if err := tx.PersonalAccessToken.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.UserPATRemoved, store.UserObject(u), store.Payload{Public: map[string]any{"tokenId": row.TokenID}})
	return change, row, err
}

// never is when clients are told that what does not expire expires: they expect
// a date, and some take a missing one for the year 1970.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// Expiry returns when a key or token expires, as clients are told: the last
// second of the year 9999 for one that never does.
func Expiry(at *time.Time) time.Time {
	if at == nil {
		return never
	}
	return *at
}

// stored returns the time as both databases keep it.
func stored(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	cut := at.UTC().Truncate(time.Microsecond)
	return &cut
}
