package token

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
)

// Every byte of a hash counts, and what is no hash is nobody's secret: not the
// one that stands in for a client that is unknown, or has none.
func TestSecretsAreComparedWhole(t *testing.T) {
	secret := id.NewToken(id.ApplicationSecret)
	hash := id.Hash(secret)
	if err := checkSecret(secret, hash, true); err != nil {
		t.Error(err)
	}
	wrong := map[string][]byte{"none": nil, "empty": {}, "zero": make([]byte, len(hash)), "short": hash[:len(hash)-1], "long": append(bytes.Clone(hash), 0)}
	for i := range hash {
		changed := bytes.Clone(hash)
		changed[i] ^= 1
		wrong["byte "+string(rune('A'+i))] = changed
	}
	for name, hash := range wrong {
		if err := checkSecret(secret, hash, true); !errors.Is(err, fault.ClientInvalid.With()) || !errors.Is(err, errSecretWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkSecret(secret, hash, false); !errors.Is(err, errClientUnknown) {
		t.Errorf("of nobody: %v", err)
	}
}

// A secret of another kind is refused before anything is looked up.
func TestSecretKinds(t *testing.T) {
	secret := id.NewToken(id.ApplicationSecret)
	if err := checkSecretKind(secret, id.ApplicationSecret); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"", "x", secret + "0", secret[:len(secret)-1], secret[1:], id.NewToken(id.MachineSecret), id.NewToken(id.AccessToken), id.NewToken(id.PersonalAccessToken)} {
		if err := checkSecretKind(other, id.ApplicationSecret); !errors.Is(err, errSecretKind) {
			t.Errorf("%q: %v", other, err)
		}
	}
}
