package token

import (
	"encoding/json"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
)

// Client is who authenticated at the endpoints of OAuth 2.0: a machine user,
// which is its own client, or an application. What it points at is shared: nobody
// changes it.
type Client struct {
	// ID is the client id: the id of the machine user, or the application's.
	ID string
	// Presented is the client id that it authenticated with, where that is not
	// ID: the login name of the machine user.
	Presented string
	// OrganizationID is that of the user, or of the application's project.
	OrganizationID string
	// Credential is what it authenticated with: the id of a key, or "secret".
	Credential string
	// Until is when the credential ends, and the tokens got with it; nil for never.
	Until *time.Time
	// SecretHash is that of the secret that it authenticated with; nil for a key.
	SecretHash []byte
	// JWT tells that the access tokens it gets are to be JWTs.
	JWT bool

	// UserKey is the primary key of the machine user; 0 for an application.
	UserKey int64

	// The rest is of an application, and zero for a user.
	ApplicationKey int64
	Kind           application.Kind
	// AuthMethod is by the contract's enum of the kind. Whether it takes what the
	// application authenticated with is for the caller to check.
	AuthMethod int32
	Settings   json.RawMessage
	ProjectID  string
}

// secretCredential is the Credential of who authenticated with a secret.
const secretCredential = "secret"

// machine returns the client that a machine user is for itself.
func machine(u *ent.User, credential string) Client {
	return Client{
		ID: u.UserID, OrganizationID: u.ResourceOwner, Credential: credential, SecretHash: u.SecretHash,
		JWT: u.AccessTokenType == jwtType, UserKey: u.ID,
	}
}

// jwtType is the contract's number of the access tokens that are JWTs.
const jwtType = 1
