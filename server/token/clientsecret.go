package token

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

// Why a client is refused that sent a secret. The reasons are for the log only
// and repeat nothing of what was sent.
var (
	errSecretKind    = errors.New("the secret is none of such a client: it is of another kind, or mistyped")
	errClientUnknown = errors.New("there is no active client with this id")
	errSecretWrong   = errors.New("the secret is not that of the client")
)

// MachineBySecret returns the machine user of the instance of ctx with the id,
// if the secret is its own.
//
// It returns fault.ClientInvalid, with the reason as a cause that the caller
// does not see, for another secret, and for a user or an organization that is
// unknown or not active. Database errors travel as they are.
func (t *Tokens) MachineBySecret(ctx context.Context, userID, secret string) (Client, error) {
	if err := checkSecretKind(secret, id.MachineSecret); err != nil {
		return Client{}, err
	}
	return bySecretIn(ctx, t.clients.machines, userID, secret)
}

// ApplicationBySecret returns the application of the instance of ctx with the
// client id, if the secret is its own.
//
// It returns fault.ClientInvalid, with the reason as a cause that the caller
// does not see, for another secret, and for an application, a project or an
// organization that is unknown or not active. Database errors travel as they
// are.
func (t *Tokens) ApplicationBySecret(ctx context.Context, clientID, secret string) (Client, error) {
	if err := checkSecretKind(secret, id.ApplicationSecret); err != nil {
		return Client{}, err
	}
	return bySecretIn(ctx, t.clients.applications, clientID, secret)
}

// bySecretIn returns the client with the id, if the secret is its own, else
// fault.ClientInvalid. Only who sends the right secret is answered without the
// database: the time of a refusal does not tell whether a client is held, and
// another secret that was made elsewhere just now is known.
func bySecretIn(ctx context.Context, in *store.Cache[string, Client], clientID, secret string) (Client, error) {
	c, held, err := in.Held(ctx, clientID)
	if err != nil {
		return Client{}, err
	}
	if held && checkSecret(secret, c.SecretHash, true) == nil {
		return c, nil
	}
	c, found, err := in.Ask(ctx, clientID)
	if err != nil {
		return Client{}, err
	}
	if err := checkSecret(secret, c.SecretHash, found); err != nil {
		return Client{}, err
	}
	return c, nil
}

// checkSecretKind returns fault.ClientInvalid for a secret that is not of the
// kind, or not whole. It needs no database and tells of no client.
func checkSecretKind(secret string, wanted id.Kind) error {
	if kind, ok := id.SecretKindOf(secret); !ok || kind != wanted {
		return fault.ClientInvalid.With().Because(errSecretKind)
	}
	return nil
}

// checkSecret returns fault.ClientInvalid unless a client was found and the hash
// is that of the secret. It compares in any case, and every byte: the time does
// not tell whether there is such a client, nor how much of a hash is right.
func checkSecret(secret string, hash []byte, found bool) error {
	given := id.Hash(secret)
	has := len(hash) == len(given)
	if !has {
		hash = make([]byte, len(given))
	}
	same := subtle.ConstantTimeCompare(given, hash) == 1
	switch {
	case !found:
		return fault.ClientInvalid.With().Because(errClientUnknown)
	case !has || !same:
		return fault.ClientInvalid.With().Because(errSecretWrong)
	}
	return nil
}
