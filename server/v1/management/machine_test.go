package management_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"

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
	})
}

// A machine user gets the kind of access token that is chosen for it, from the
// next one on.
func TestAccessTokenType(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot := i.NewMachine(t, "robot")
		key := addKey(t, i.Owner, robot, nil).GetKeyDetails()
		for name, kind := range map[string]userv1.AccessTokenType{
			"JWT": userv1.AccessTokenType_ACCESS_TOKEN_TYPE_JWT, "opaque": userv1.AccessTokenType_ACCESS_TOKEN_TYPE_BEARER,
		} {
			servertest.OK(i.Owner.Management.UpdateMachine(t.Context(), &managementv1.UpdateMachineRequest{UserId: robot, Name: name, AccessTokenType: kind}))(t)
			got := s.Exchange(t, i.Domain, key)
			if isJWT := strings.Count(got, ".") == 2; isJWT != (name == "JWT") {
				t.Errorf("%s: the token is a JWT: %t", name, isJWT)
			}
			s.As(got).On(i.Domain).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				if me := ofSelf(t, c); me.GetName() != name || me.GetAccessTokenType() != kind {
					t.Errorf("%s: the user is %v", name, me)
				}
			})
		}
	})
}

// ofSelf returns what a caller knows of itself as a machine.
func ofSelf(t *testing.T, c *servertest.Caller) *userv1.Machine {
	t.Helper()
	return servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t).GetUser().GetMachine()
}

func TestUpdateMachine(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, changes := i.NewMachine(t, "robot"), uint64(2)
		self := i.NewToken(t, robot)
		db := s.Open(t)
		defer db.Close()
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 2
			request := &managementv1.UpdateMachineRequest{UserId: robot, Name: c.Name("Roboter"), Description: "Macht Sachen"}
			servertest.OK(c.Management.UpdateMachine(t.Context(), request))(t)
			s.Equal(t, ofSelf(t, self), &userv1.Machine{Name: request.GetName(), Description: "Macht Sachen"})
			var key []byte // what the name is searched and sorted by
			if err := db.QueryRow(`SELECT display_name_key FROM users WHERE user_id = '` + robot + `'`).Scan(&key); err != nil || string(key) != strings.ToLower(request.GetName()) {
				t.Errorf("the key of the name is %q, %v", key, err)
			}
			_, err := c.Management.UpdateMachine(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			request.Description = "" // is replaced like all else
			got := servertest.OK(c.Management.UpdateMachine(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.UpdateMachineResponse{Details: details(changes, i.OrganizationID)})
			s.Equal(t, ofSelf(t, self), &userv1.Machine{Name: request.GetName()})
		})
	})
}

func TestMachineSecret(t *testing.T) {
	form := regexp.MustCompile(`^bastide_ms_[0-9A-Za-z]{36}$`)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, changes := i.NewMachine(t, "robot"), uint64(2)
		self := i.NewToken(t, robot)
		db := s.Open(t)
		defer db.Close()
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 3
			first := servertest.OK(c.Management.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: robot}))(t)
			got := servertest.OK(c.Management.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: robot}))(t)
			s.Equal(t, got, &managementv1.GenerateMachineSecretResponse{
				ClientId: "robot", ClientSecret: got.GetClientSecret(), Details: details(changes-1, i.OrganizationID),
			})
			if !form.MatchString(got.GetClientSecret()) || got.GetClientSecret() == first.GetClientSecret() {
				t.Errorf("the secrets are %q and %q", first.GetClientSecret(), got.GetClientSecret())
			}
			var hash []byte
			if err := db.QueryRow(`SELECT secret_hash FROM users WHERE user_id = '` + robot + `'`).Scan(&hash); err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256([]byte(got.GetClientSecret())); !bytes.Equal(hash, want[:]) || !ofSelf(t, self).GetHasSecret() {
				t.Errorf("the hash is %x, want %x", hash, want)
			}
			// It is a secret of a client, and no token.
			_, err := s.As(got.GetClientSecret()).On(i.Domain).Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")

			removed := servertest.OK(c.Management.RemoveMachineSecret(t.Context(), &managementv1.RemoveMachineSecretRequest{UserId: robot}))(t)
			s.Equal(t, removed, &managementv1.RemoveMachineSecretResponse{Details: details(changes, i.OrganizationID)})
			if ofSelf(t, self).GetHasSecret() {
				t.Error("the user still has a secret")
			}
			_, err = c.Management.RemoveMachineSecret(t.Context(), &managementv1.RemoveMachineSecretRequest{UserId: robot})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.secret_missing")
		})
	})
}

// Where user names are unique in the organization only, the client id is what
// is unique in the instance.
func TestClientID(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.Exec(t, `INSERT INTO policies (instance_id, owner_id, kind, settings, sequence, created_at, changed_at)
			VALUES ('`+i.ID+`', '`+i.ID+`', 'domain', '{"userLoginMustBeDomain":true}', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`)
		got := servertest.OK(i.Owner.Management.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: i.NewMachine(t, "robot")}))(t)
		if got.GetClientId() != "robot@acme.acme.test" {
			t.Errorf("the client id is %q", got.GetClientId())
		}
	})
}

// onUsers are the calls about what a machine user has: to change it, and to
// read it by the id of a key or token.
var onUsers = map[string]struct {
	change, get bool
	call        func(ctx context.Context, c *servertest.Caller, user, id string) error
}{
	"UpdateMachine": {change: true, call: func(ctx context.Context, c *servertest.Caller, user, _ string) error {
		_, err := c.Management.UpdateMachine(ctx, &managementv1.UpdateMachineRequest{UserId: user, Name: "x"})
		return err
	}},
	"GenerateMachineSecret": {change: true, call: func(ctx context.Context, c *servertest.Caller, user, _ string) error {
		_, err := c.Management.GenerateMachineSecret(ctx, &managementv1.GenerateMachineSecretRequest{UserId: user})
		return err
	}},
	"RemoveMachineSecret": {change: true, call: func(ctx context.Context, c *servertest.Caller, user, _ string) error {
		_, err := c.Management.RemoveMachineSecret(ctx, &managementv1.RemoveMachineSecretRequest{UserId: user})
		return err
	}},
	"GetMachineKeyByIDs": {get: true, call: func(ctx context.Context, c *servertest.Caller, user, id string) error {
		_, err := c.Management.GetMachineKeyByIDs(ctx, &managementv1.GetMachineKeyByIDsRequest{UserId: user, KeyId: id})
		return err
	}},
	"ListMachineKeys": {call: func(ctx context.Context, c *servertest.Caller, user, _ string) error {
		got, err := c.Management.ListMachineKeys(ctx, &managementv1.ListMachineKeysRequest{UserId: user})
		return empty(err, got.GetDetails().GetTotalResult())
	}},
	"RemoveMachineKey": {change: true, call: func(ctx context.Context, c *servertest.Caller, user, id string) error {
		_, err := c.Management.RemoveMachineKey(ctx, &managementv1.RemoveMachineKeyRequest{UserId: user, KeyId: id})
		return err
	}},
	"GetPersonalAccessTokenByIDs": {get: true, call: func(ctx context.Context, c *servertest.Caller, user, id string) error {
		_, err := c.Management.GetPersonalAccessTokenByIDs(ctx, &managementv1.GetPersonalAccessTokenByIDsRequest{UserId: user, TokenId: id})
		return err
	}},
	"ListPersonalAccessTokens": {call: func(ctx context.Context, c *servertest.Caller, user, _ string) error {
		got, err := c.Management.ListPersonalAccessTokens(ctx, &managementv1.ListPersonalAccessTokensRequest{UserId: user})
		return empty(err, got.GetDetails().GetTotalResult())
	}},
	"RemovePersonalAccessToken": {change: true, call: func(ctx context.Context, c *servertest.Caller, user, id string) error {
		_, err := c.Management.RemovePersonalAccessToken(ctx, &managementv1.RemovePersonalAccessTokenRequest{UserId: user, TokenId: id})
		return err
	}},
}

func empty(err error, total uint64) error {
	if err == nil && total != 0 {
		err = fmt.Errorf("the list has %d", total)
	}
	return err
}

// A person has none of it, and nobody reaches the users of others.
func TestWhoIsNoMachineOfTheOrganization(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		person := i.NewHuman(t, "ada")
		there := servertest.OK(i.Owner.In(i.NewOrganization(t, "Second")).Management.AddMachineUser(t.Context(),
			&managementv1.AddMachineUserRequest{UserName: "there", Name: "x"}))(t).GetUserId()
		for name, on := range onUsers {
			t.Run(name, func(t *testing.T) {
				for _, user := range []string{there, other.OwnerID, "unknown"} {
					servertest.Refused(t, on.call(t.Context(), i.Owner, user, "123456789012345678"), connect.CodeNotFound, "object.unknown")
				}
				err := on.call(t.Context(), i.Owner, person, "123456789012345678")
				switch {
				case on.change:
					servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.not_machine")
				case on.get:
					if connect.CodeOf(err) != connect.CodeNotFound {
						t.Error(err)
					}
				case err != nil:
					t.Error(err)
				}
			})
		}
	})
}
