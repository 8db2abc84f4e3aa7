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
		if err := CheckSystemKey(u.PublicKey); err != nil {
			return nil, fmt.Errorf("token: system user %q: %w", u.Name, err)
		}
		users[u.Name] = systemUser{key: u.PublicKey, memberships: u.Memberships}
	}
	return users, nil
}

// CheckSystemKey returns an error that says what is wrong with a public key
// unless one of the algorithms that are allowed works with it: RSA of 2048 bits
// or more, ECDSA on P-256, or Ed25519.
func CheckSystemKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key == nil {
			break
		}
		if bits := key.N.BitLen(); bits < keyBits {
			return fmt.Errorf("the RSA public key has %d bits: it needs %d or more", bits, keyBits)
		}
		return nil
	case *ecdsa.PublicKey:
		if key == nil {
			break
		}
		if key.Curve != elliptic.P256() { // ES256 is this curve (RFC 7518, 3.4)
			return errors.New("the ECDSA public key is not on the curve P-256")
		}
		return nil
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return nil
		}
	}
	return errors.New("the public key is neither RSA nor ECDSA nor Ed25519")
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
