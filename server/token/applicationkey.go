package token

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/accesstoken"
	"github.com/bastide-id/bastide/ent/applicationkey"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// ApplicationKey is a new key that an application signs assertions with.
type ApplicationKey struct{ clientKey }

// NewApplicationKey returns a key that is valid once it is saved, until
// expiresAt; nil means forever. It returns fault.Unavailable when no id can be
// made, and the error of ctx if that ends while waiting for a pair.
func (t *Tokens) NewApplicationKey(ctx context.Context, expiresAt *time.Time) (ApplicationKey, error) {
	key, err := t.newClientKey(ctx, expiresAt, nil)
	return ApplicationKey{key}, err
}

// Save stores the public half for an application and records it as a change of
// its project. It returns the errors of the database.
func (k ApplicationKey) Save(ctx context.Context, tx *store.Tx, in *ent.Project, application *ent.Application) (store.Change, error) {
	payload := k.payload()
	payload["appId"] = application.ApplicationID
	change, err := tx.Record(ctx, store.ProjectApplicationKeyAdded, store.ProjectObject(in), store.Payload{Public: payload})
	if err != nil {
		return change, err
	}
	return change, tx.ApplicationKey.Create().
		SetKeyID(k.ID).
		SetApplication(application).
		SetPublicKey(k.public).
		SetNillableExpiresAt(k.ExpiresAt).
		SetSequence(change.Sequence).
		Exec(ctx)
}

// File returns the key file that clients read. It holds the private key, which
// is kept nowhere else.
func (k ApplicationKey) File(application *ent.Application) []byte {
	return k.file(keyFile{Type: "application", AppID: application.ApplicationID, ClientID: application.ClientID})
}

// RemoveApplicationKey takes a key from an application, whose project is locked,
// and returns what it was. No assertion that it signed is good from then on, and
// no access token that was got with one, nor any that the application exchanged. It returns fault.ApplicationKeyUnknown.
func RemoveApplicationKey(ctx context.Context, tx *store.Tx, in *ent.Project, application *ent.Application, keyID string) (store.Change, *ent.ApplicationKey, error) {
	row, err := tx.ApplicationKey.Query().Where(applicationkey.ApplicationPk(application.ID), applicationkey.KeyID(keyID)).Only(ctx)
	if ent.IsNotFound(err) {
		err = fault.ApplicationKeyUnknown.With()
	}
	if err != nil {
		return store.Change{}, nil, err
	}
	change, err := tx.Record(ctx, store.ProjectApplicationKeyRemoved, store.ProjectObject(in),
		store.Payload{Public: map[string]any{"appId": application.ApplicationID, "keyId": row.KeyID}})
	if err != nil {
		return change, nil, err
	}
	if err := tx.ApplicationKey.DeleteOne(row).Exec(ctx); err != nil {
		return change, nil, err
	}
	return change, row, endBy(ctx, tx, application, row.KeyID)
}

// EndBySecret ends the access tokens that an application got with its secret, and
// all that it exchanged. It is called after the secret was changed, so that none
// is issued meanwhile. It returns the errors of the database.
func EndBySecret(ctx context.Context, tx *store.Tx, application *ent.Application) error {
	return endBy(ctx, tx, application, secretCredential)
}

// endBy ends the access tokens that an application got with one credential for
// itself, and those that it exchanged with any: they name another token.
func endBy(ctx context.Context, tx *store.Tx, application *ent.Application, credential string) error {
	return EndTokens(ctx, tx, accesstoken.ApplicationPk(application.ID),
		accesstoken.Or(accesstoken.Credential(credential), accesstoken.UserPkNotNil()))
}
