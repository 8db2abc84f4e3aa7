package token

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"time"
)

// never stands in the file of a key that does not expire, where clients expect
// a date.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// clientKey is a new key that a client signs assertions with (RFC 7523).
type clientKey struct {
	ID string
	// ExpiresAt is nil for a key that never expires.
	ExpiresAt *time.Time

	public  []byte          // PKIX, DER
	private *rsa.PrivateKey // nil when the client keeps its own
}

// String keeps the key out of logs.
func (clientKey) String() string { return redacted }

// GoString keeps the key out of logs.
func (clientKey) GoString() string { return redacted }

// LogValue keeps the key out of logs.
func (clientKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// newClientKey returns a key with the public half that the client brought; nil
// makes a new pair, or takes one made ahead.
func (t *Tokens) newClientKey(ctx context.Context, expiresAt *time.Time, public *rsa.PublicKey) (clientKey, error) {
	var private *rsa.PrivateKey
	if public == nil {
		var err error
		if private, err = t.pairs.take(ctx); err != nil {
			return clientKey{}, err
		}
		public = &private.PublicKey
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return clientKey{}, err
	}
	keyID, err := t.store.NewID()
	if err != nil {
		return clientKey{}, err
	}
	return clientKey{ID: keyID, ExpiresAt: stored(expiresAt), public: der, private: private}, nil
}

// payload is what the history says of the key.
func (k clientKey) payload() map[string]any {
	payload := map[string]any{"keyId": k.ID}
	if k.ExpiresAt != nil {
		payload["expiration"] = k.ExpiresAt.Format(time.RFC3339Nano)
	}
	return payload
}

// keyFile is the file that clients of the JWT profile read.
type keyFile struct {
	Type           string    `json:"type"`
	KeyID          string    `json:"keyId"`
	Key            string    `json:"key"`
	ExpirationDate time.Time `json:"expirationDate"`
	UserID         string    `json:"userId,omitempty"`
	AppID          string    `json:"appId,omitempty"`
	ClientID       string    `json:"clientId,omitempty"`
}

// file returns the key file for whom it names, nil when the client brought its
// own public key.
func (k clientKey) file(of keyFile) []byte {
	if k.private == nil {
		return nil
	}
	of.KeyID, of.ExpirationDate = k.ID, never
	if k.ExpiresAt != nil {
		of.ExpirationDate = *k.ExpiresAt
	}
	of.Key = string(pem.EncodeToMemory(&pem.Block{
		Type:  "RSA PRIVATE KEY",
		Bytes: x509.MarshalPKCS1PrivateKey(k.private),
	}))
	file, err := json.Marshal(of)
	if err != nil {
		panic(err) // does not happen: only a year after 9999 has no RFC 3339
	}
	return file
}
