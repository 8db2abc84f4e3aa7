package token

import (
	"context"
	"log/slog"
	"time"

	"github.com/bastide-id/bastide/ent"
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

// stored returns the time as both databases keep it.
func stored(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	cut := at.UTC().Truncate(time.Microsecond)
	return &cut
}
