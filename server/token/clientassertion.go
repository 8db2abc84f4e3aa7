package token

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bastide-id/bastide/server/fault"
)

// ApplicationByAssertion returns the application that signed an assertion, for
// one of the audiences, with one of its keys in the instance of ctx (RFC 7523,
// 2.2). An assertion with a `jti` is good once.
//
// It returns fault.AssertionInvalid, with the reason as a cause that the caller
// does not see, for a bad signature, algorithm, key, issuer, subject, audience or
// time, for one that was used, and for an application, a project or an
// organization that is not active. Database errors travel as they are.
func (t *Tokens) ApplicationByAssertion(ctx context.Context, assertion string, audiences []string) (Client, error) {
	parsed, claims, err := parseSigned(assertion, jose.RS256)
	if err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	keyID := parsed.Headers[0].KeyID
	if !goodKeyID(keyID) {
		return Client{}, fault.AssertionInvalid.With().Because(errKeyUnknown)
	}
	c, key, err := t.clients.ownerOf(ctx, t.clients.applicationKeys, keyID, t.store.Now())
	if err != nil {
		return Client{}, err
	}
	if err := t.checkClientAssertion(parsed, claims, c, key, audiences); err != nil {
		return Client{}, fault.AssertionInvalid.With().Because(err)
	}
	if err := t.useOnce(ctx, keyID, claims); err != nil {
		return Client{}, err
	}
	return c, nil
}

// checkClientAssertion returns why an assertion is not good. key is nil when
// there is none. Issuer and subject are both the client (RFC 7523, 3). The time
// of issue may be left out: then the assertion is as good as one of this moment,
// and as short-lived.
func (t *Tokens) checkClientAssertion(parsed *jwt.JSONWebToken, claims jwt.Claims, c Client, key any, audiences []string) error {
	now := t.store.Now()
	switch {
	case key == nil:
		return errKeyUnknown
	case claims.Issuer != c.ID || claims.Subject != c.ID:
		return errSubject
	case claims.IssuedAt == nil:
		claims.IssuedAt = jwt.NewNumericDate(now)
	}
	if err := verify(parsed, claims, key, audiences, now); err != nil {
		return err
	}
	if *claims.Expiry > *claims.IssuedAt+jwt.NumericDate(maxAge/time.Second) {
		return errValidTooLong
	}
	return nil
}

// findApplicationKey finds a key by its id, expired or not, with its active
// application, in one statement.
func (c *clients) findApplicationKey(ctx context.Context, keyID string) (keyOwner, bool, error) {
	owner := Client{Credential: keyID}
	var der []byte
	found, err := c.applicationKey.Row(ctx, []any{keyID}, applicationPlaces(&owner, &der, &owner.Until)...)
	if err != nil || !found {
		return keyOwner{}, false, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return keyOwner{}, false, fmt.Errorf("token: application key %s: %w", keyID, err)
	}
	return keyOwner{owner, key}, true, nil
}
