package token

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/machinekey"
	"github.com/bastide-id/bastide/ent/personalaccesstoken"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Expiry returns when a key or token expires, as clients are told: the last
// second of the year 9999 for one that never does. They expect a date, and some
// take a missing one for the year 1970.
func Expiry(at *time.Time) time.Time {
	if at == nil {
		return never
	}
	return *at
}

// MachineKeyOf returns a key of the user by its id, or fault.UserKeyUnknown. It
// serves reads and transactions alike.
func MachineKeyOf(ctx context.Context, keys *ent.MachineKeyClient, u *ent.User, keyID string) (*ent.MachineKey, error) {
	row, err := keys.Query().Where(machinekey.UserPk(u.ID), machinekey.KeyID(keyID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.UserKeyUnknown.With()
	}
	return row, err
}

// MachineKeysOf returns a page of the keys of the user in the order in which
// they were made, expired ones too, and how many there are.
func MachineKeysOf(ctx context.Context, s *store.Store, u *ent.User, page store.Page) ([]*ent.MachineKey, uint64, error) {
	q := s.Read().MachineKey.Query().Where(machinekey.UserPk(u.ID))
	return store.List(ctx, s, q, page, machinekey.ByCreatedAt, machinekey.ByID)
}

// RemoveMachineKey takes a key from the user, who is locked, and returns what
// it was. No assertion that it signed is good from then on, and no token that
// was got with it. It returns fault.UserKeyUnknown.
func RemoveMachineKey(ctx context.Context, tx *store.Tx, u *ent.User, keyID string) (store.Change, *ent.MachineKey, error) {
	row, err := MachineKeyOf(ctx, tx.MachineKey, u, keyID)
	if err != nil {
		return store.Change{}, nil, err
	}
	if err := tx.MachineKey.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, nil, err
	}
	if err := endTokens(ctx, tx, u, row.KeyID); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.UserMachineKeyRemoved, store.UserObject(u), store.Payload{Public: map[string]any{"keyId": row.KeyID}})
	return change, row, err
}

// PersonalAccessTokenOf returns a token of the user by its id, or
// fault.UserTokenUnknown. It serves reads and transactions alike.
func PersonalAccessTokenOf(ctx context.Context, tokens *ent.PersonalAccessTokenClient, u *ent.User, tokenID string) (*ent.PersonalAccessToken, error) {
	row, err := tokens.Query().Where(personalaccesstoken.UserPk(u.ID), personalaccesstoken.TokenID(tokenID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.UserTokenUnknown.With()
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
// returns what it was. Nobody is let in with it from then on, nor with what was
// exchanged for it. It returns fault.UserTokenUnknown.
func RemovePersonalAccessToken(ctx context.Context, tx *store.Tx, u *ent.User, tokenID string) (store.Change, *ent.PersonalAccessToken, error) {
	row, err := PersonalAccessTokenOf(ctx, tx.PersonalAccessToken, u, tokenID)
	if err != nil {
		return store.Change{}, nil, err
	}
	if err := tx.PersonalAccessToken.DeleteOne(row).Exec(ctx); err != nil {
		return store.Change{}, nil, err
	}
	if err := endExchanged(ctx, tx, row.TokenID); err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.UserPATRemoved, store.UserObject(u), store.Payload{Public: map[string]any{"tokenId": row.TokenID}})
	return change, row, err
}

// endTokens deletes the access tokens that the user got with a credential, which
// was taken back before: a token that is issued at this moment is found, or is
// refused.
func endTokens(ctx context.Context, tx *store.Tx, u *ent.User, credential string) error {
	return EndTokens(ctx, tx, accesstoken.UserPk(u.ID), accesstoken.Credential(credential))
}
