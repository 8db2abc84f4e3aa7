package token

import (
	"context"
	"time"

	"github.com/bastide-id/bastide/ent"
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
