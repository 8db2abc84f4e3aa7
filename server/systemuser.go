package server

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/token"
)

// SystemUser is a caller of the configuration: it belongs to no instance and
// signs its own tokens.
type SystemUser struct {
	// Name is the issuer and subject of its tokens.
	Name string
	// PublicKey verifies its tokens: a PEM block PUBLIC KEY.
	PublicKey string
	// Memberships decide what it may do; without any it may do nothing.
	Memberships []caller.Membership
}

// FirstSystemUser is the name of the system user that the first run makes. The
// configuration cannot take it.
const FirstSystemUser = "system"

// Key returns the public key: an *rsa.PublicKey of at least 2048 bits, an
// *ecdsa.PublicKey on P-256, or an ed25519.PublicKey. Anything else
// is an error that says what was found.
func (u SystemUser) Key() (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(u.PublicKey))
	if block == nil {
		return nil, errors.New("the public key is not PEM")
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("the public key is a PEM block %q: it must be %q", block.Type, "PUBLIC KEY")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("there is more than one public key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the public key cannot be read: %w", err)
	}
	return key, token.CheckSystemKey(key)
}

// checkSystemUsers returns an error for each user that is not valid, with its
// name in it.
func checkSystemUsers(users []SystemUser) error {
	var errs []error
	seen := make(map[string]bool, len(users))
	for i, u := range users {
		switch {
		case u.Name == "":
			errs = append(errs, fmt.Errorf("systemUsers: user %d has no name", i+1))
			continue
		case u.Name == FirstSystemUser:
			errs = append(errs, fmt.Errorf("systemUsers: the name %q is that of the first run's user: choose another", u.Name))
		case utf8.RuneCountInString(u.Name) > 200:
			errs = append(errs, fmt.Errorf("systemUsers: the name %q has more than 200 characters", u.Name))
		case seen[u.Name]:
			errs = append(errs, fmt.Errorf("systemUsers: there are two users named %q", u.Name))
		}
		seen[u.Name] = true
		if err := u.check(); err != nil {
			errs = append(errs, fmt.Errorf("systemUsers: user %q: %w", u.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (u SystemUser) check() error {
	if u.PublicKey == "" {
		return errors.New("a public key is missing: set publicKey or publicKeyFile")
	}
	if _, err := u.Key(); err != nil {
		return err
	}
	for i, m := range u.Memberships {
		if err := checkMembership(m); err != nil {
			return fmt.Errorf("membership %d: %w", i+1, err)
		}
	}
	return nil
}

func checkMembership(m caller.Membership) error {
	switch m.Level {
	case caller.SystemLevel:
		if m.ID != "" {
			return errors.New("a membership of type System takes no id")
		}
	case caller.InstanceLevel, caller.OrganizationLevel:
		if m.ID == "" {
			return errors.New("the id of the instance or organization is missing")
		}
	default:
		return fmt.Errorf("the level %d does not exist", m.Level)
	}
	if len(m.Roles) == 0 {
		return errors.New("roles are missing: name at least one")
	}
	for _, role := range m.Roles {
		if !permission.IsRole(role) {
			return fmt.Errorf("the role %q does not exist", role)
		}
	}
	return nil
}

// systemUsers returns the users of the configuration and that of the first run.
func (s *Server) systemUsers(firstKey []byte) ([]token.SystemUser, error) {
	key, err := x509.ParsePKIXPublicKey(firstKey)
	if err != nil {
		return nil, fmt.Errorf("the public key of the system user %q in the database cannot be read: %w", FirstSystemUser, err)
	}
	users := []token.SystemUser{{
		Name: FirstSystemUser, PublicKey: key,
		Memberships: []caller.Membership{{Level: caller.SystemLevel, Roles: []string{"SYSTEM_OWNER"}}},
	}}
	for _, u := range s.config.SystemUsers {
		key, err := u.Key()
		if err != nil {
			return nil, fmt.Errorf("systemUsers: %s: %w", u.Name, err)
		}
		users = append(users, token.SystemUser{Name: u.Name, PublicKey: key, Memberships: u.Memberships})
	}
	return users, nil
}
