package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// systemUser is a SystemUser found by its name.
type systemUser struct {
	key         crypto.PublicKey
	memberships []caller.Membership
}

func systemUsers(configured []SystemUser) (map[string]systemUser, error) {
	users := make(map[string]systemUser, len(configured))
	for _, u := range configured {
		if u.Name == "" {
			return nil, errors.New("token: a system user has no name")
		}
		if _, taken := users[u.Name]; taken {
			return nil, fmt.Errorf("token: there are two system users named %q", u.Name)
		}
		if !verifies(u.PublicKey) {
			return nil, fmt.Errorf("token: the public key of system user %q is neither RSA of 2048 bits or more, nor ECDSA on P-256, nor Ed25519", u.Name)
		}
		users[u.Name] = systemUser{key: u.PublicKey, memberships: u.Memberships}
	}
	return users, nil
}

// verifies reports whether one of the algorithms that are allowed works with
// the key. ES256 means the curve P-256 (RFC 7518, 3.4).
func verifies(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key != nil && key.N.BitLen() >= keyBits
	case *ecdsa.PublicKey:
		return key != nil && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize
	}
	return false
}

// bySystemToken returns the system user who signed a token. The issuer says
// whose key it is; a kid in the header means nothing.
func (t *Tokens) bySystemToken(token string, audiences []string) (caller.Caller, error) {
	parsed, claims, err := parseSigned(token, jose.RS256, jose.ES256, jose.EdDSA)
	if err != nil {
		return caller.Caller{}, fault.TokenInvalid.With().Because(err)
	}
	u, known := t.systemUsers[claims.Issuer]
	switch {
	case !known:
		err = errKeyUnknown
	case claims.Subject != claims.Issuer:
		err = errSubject
	default:
		err = verify(parsed, claims, u.key, audiences, t.store.Now())
	}
	if err != nil {
		return caller.Caller{}, fault.TokenInvalid.With().Because(err)
	}
	return caller.Caller{Kind: caller.System, ID: claims.Issuer, Memberships: u.memberships}, nil
}
