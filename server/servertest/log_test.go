//go:build unix

package servertest

import (
	"testing"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
)

// A secret that a message carries is found in a log, whatever is around it.
func TestSecretsAreFound(t *testing.T) {
	file := []byte(`{"key":"-----BEGIN RSA PRIVATE KEY-----\n1aaaaaaa\n2aaaaaaa\n3aaaaaaa\n4aaaaaaa\n5aaaaaaa\n6aaaaaaa\n7aaaaaaa\n8aaaaaaa\n"}`)
	human := &systemv1.CreateInstanceRequest_Human{Password: &systemv1.CreateInstanceRequest_Password{Password: "Secret-Word1"}}
	s := new(secrets)
	s.addMessage(&systemv1.CreateInstanceRequest{Owner: &systemv1.CreateInstanceRequest_Human_{Human: human}})
	s.addMessage(&managementv1.AddMachineKeyResponse{KeyId: "not-a-secret", KeyDetails: file})
	s.addMessage(&managementv1.AddPersonalAccessTokenResponse{Token: "bastide_pat_x"})
	s.addMessage(&managementv1.ImportHumanUserRequest{HashedPassword: &managementv1.ImportHumanUserRequest_HashedPassword{Value: "$1$saltsalt$sum"}})
	for text, want := range map[string]int{
		`msg=call hash=$1$saltsalt$sum`:   1,
		`msg=call token="bastide_pat_x"`:  1,
		`msg=call key="…\n4aaaaaaa\n5aa"`: 1,
		`Secret-Word1 bastide_pat_x`:      2,
		`msg=call key=not-a-secret`:       0,
	} {
		if found := s.in(text); len(found) != want {
			t.Errorf("%q: found %q", text, found)
		}
	}
}
