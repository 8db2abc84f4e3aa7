package management_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestAddMachineUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			request := &managementv1.AddMachineUserRequest{UserName: c.Name("robot"), Name: "Robot", Description: "Works"}
			got := servertest.OK(c.Management.AddMachineUser(t.Context(), request))(t)
			if len(got.GetUserId()) != 18 {
				t.Errorf("the id is %q", got.GetUserId())
			}
			s.Equal(t, got, &managementv1.AddMachineUserResponse{UserId: got.GetUserId(), Details: details(1, i.OrganizationID)})
			request.UserName = strings.ToUpper(request.UserName)
			_, err := c.Management.AddMachineUser(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		})
	})
}

// A client may bring the id of a user: 1 to 200 characters, never used in the
// instance before.
func TestOwnUserIDs(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		add := func(to servertest.Tenant, name, id string) error {
			answer, err := to.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: "x", UserId: &id})
			if err == nil && answer.GetUserId() != id {
				t.Errorf("%s: got the id %q", name, answer.GetUserId())
			}
			return err
		}
		for name, id := range map[string]string{
			"short": "a", "long": strings.Repeat("ß", 200), "odd": "a/b?c=d&e%2f:_x g", "case": "A", "padded": " a",
		} {
			if err := add(i, name, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := servertest.OK(i.NewToken(t, id).Auth.GetMyUser(t.Context(), nil))(t).GetUser().GetId(); got != id {
				t.Errorf("%s: the user reads the id %q", name, got)
			}
		}
		servertest.Refused(t, add(i, "again", "a"), connect.CodeAlreadyExists, "user.id_taken")
		servertest.Refused(t, add(i, "owners", i.OwnerID), connect.CodeAlreadyExists, "user.id_taken")
		servertest.Refused(t, add(i, "empty", ""), connect.CodeInvalidArgument, "request.invalid")
		servertest.Refused(t, add(i, "too long", strings.Repeat("a", 201)), connect.CodeInvalidArgument, "request.invalid")
		servertest.Refused(t, add(i, "nul", "a\x00"), connect.CodeInvalidArgument, "request.nul")
		// Names and ids are those of an instance only.
		if err := add(other, "short", "a"); err != nil {
			t.Error(err)
		}
		_, err := i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{
			UserName: "jwt", Name: "x", AccessTokenType: userv1.AccessTokenType_ACCESS_TOKEN_TYPE_JWT,
		})
		servertest.Refused(t, err, connect.CodeUnimplemented, "request.field_unsupported")
	})
}

func TestAddPersonalAccessToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		robot, changes := i.NewMachine(t, "robot"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			got := servertest.OK(c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot}))(t)
			s.Equal(t, got, &managementv1.AddPersonalAccessTokenResponse{
				TokenId: got.GetTokenId(), Token: got.GetToken(), Details: details(changes, i.OrganizationID),
			})
			me := servertest.OK(s.As(got.GetToken()).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t).GetUser()
			if len(got.GetTokenId()) != 18 || me.GetId() != robot {
				t.Errorf("the token has the id %q and is that of %s", got.GetTokenId(), me.GetId())
			}
			for _, id := range []string{"unknown", other.OwnerID} {
				_, err := c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: id})
				servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			}
		})
	})
}

// A token is good until it expires, and not a moment longer.
func TestTokenExpires(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		first := s.First(t)
		robot := first.NewMachine(t, "robot")
		expiring := func(in time.Duration) (*servertest.Caller, error) {
			made, err := first.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{
				UserId: robot, ExpirationDate: timestamppb.New(s.Clock.Now().Add(in)),
			})
			return s.As(made.GetToken()), err
		}
		_, err := expiring(-time.Second)
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		short, err := expiring(10 * time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		servertest.OK(short.Auth.GetMyUser(t.Context(), nil))(t)
		s.Clock.Advance(10 * time.Minute)
		_, err = short.Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		servertest.OK(first.Owner.Auth.GetMyUser(t.Context(), nil))(t)
	})
}

func TestAddMachineKey(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, changes := i.NewMachine(t, "robot"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
			got := servertest.OK(c.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{
				UserId: robot, Type: authnv1.KeyType_KEY_TYPE_JSON, ExpirationDate: timestamppb.New(expires),
			}))(t)
			s.Equal(t, got, &managementv1.AddMachineKeyResponse{
				KeyId: got.GetKeyId(), KeyDetails: got.GetKeyDetails(), Details: details(changes, i.OrganizationID),
			})
			var file struct {
				KeyID, UserID  string
				ExpirationDate time.Time
			}
			if err := json.Unmarshal(got.GetKeyDetails(), &file); err != nil {
				t.Fatal(err)
			}
			if file.KeyID != got.GetKeyId() || file.UserID != robot || !file.ExpirationDate.Equal(expires) {
				t.Errorf("the file is of key %s of %s until %s", file.KeyID, file.UserID, file.ExpirationDate)
			}
			me := servertest.OK(s.As(s.Exchange(t, i.Domain, got.GetKeyDetails())).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t)
			if me.GetUser().GetId() != robot {
				t.Errorf("the key is that of %s", me.GetUser().GetId())
			}
			_, err := c.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: "unknown", Type: authnv1.KeyType_KEY_TYPE_JSON})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
	})
}

// A client may bring the public half of a key that only it knows.
func TestOwnMachineKey(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot := i.NewMachine(t, "robot")
		request := &managementv1.AddMachineKeyRequest{UserId: robot, Type: authnv1.KeyType_KEY_TYPE_JSON, PublicKey: public}
		got := servertest.OK(i.Owner.Management.AddMachineKey(t.Context(), request))(t)
		if len(got.GetKeyDetails()) > 0 {
			t.Errorf("the answer has a key file: %s", got.GetKeyDetails())
		}
		file, err := json.Marshal(map[string]string{"type": "serviceaccount", "keyId": got.GetKeyId(), "key": string(secret), "userId": robot})
		if err != nil {
			t.Fatal(err)
		}
		servertest.OK(s.As(s.Exchange(t, i.Domain, file)).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t)
		for name, bad := range map[string][]byte{
			"private": secret, "text": []byte("not a key"), "cut": public[:len(public)/2], "garbage": append([]byte("x"), public...)[1:60],
		} {
			request.PublicKey = bad
			_, err := i.Owner.Management.AddMachineKey(t.Context(), request)
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
