package management_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

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

// addKey gives a machine user a key.
func addKey(t *testing.T, c *servertest.Caller, userID string, expires *timestamppb.Timestamp) *managementv1.AddMachineKeyResponse {
	t.Helper()
	return servertest.OK(c.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{
		UserId: userID, Type: authnv1.KeyType_KEY_TYPE_JSON, ExpirationDate: expires,
	}))(t)
}

func TestGetMachineKeyByIDs(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another := i.NewMachine(t, "robot"), i.NewMachine(t, "another")
		expires := timestamppb.New(time.Date(2051, 6, 7, 8, 9, 10, 0, time.UTC))
		expiring, forever := addKey(t, i.Owner, robot, expires), addKey(t, i.Owner, robot, nil)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.GetMachineKeyByIDs(t.Context(), &managementv1.GetMachineKeyByIDsRequest{UserId: robot, KeyId: expiring.GetKeyId()}))(t)
			until(t, &got.Key.ExpirationDate, expires.AsTime())
			s.Equal(t, got, &managementv1.GetMachineKeyByIDsResponse{Key: &authnv1.Key{
				Id: expiring.GetKeyId(), Details: details(2, i.OrganizationID), Type: authnv1.KeyType_KEY_TYPE_JSON,
			}})
			got = servertest.OK(c.Management.GetMachineKeyByIDs(t.Context(), &managementv1.GetMachineKeyByIDsRequest{UserId: robot, KeyId: forever.GetKeyId()}))(t)
			until(t, &got.Key.ExpirationDate, never)
			_, err := c.Management.GetMachineKeyByIDs(t.Context(), &managementv1.GetMachineKeyByIDsRequest{UserId: another, KeyId: forever.GetKeyId()})
			servertest.Refused(t, err, connect.CodeNotFound, "user.key_unknown")
		})
	})
}

func TestListMachineKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another := i.NewMachine(t, "robot"), i.NewMachine(t, "another")
		addKey(t, i.Owner, another, nil)
		var made []string
		for range 3 {
			made = append(made, addKey(t, i.Owner, robot, timestamppb.New(s.Clock.Now().Add(time.Minute))).GetKeyId())
		}
		s.Clock.Advance(2 * time.Minute) // expired ones are listed too
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			checkPages(t, made, func(query *zitadelv1.ListQuery) (ids []string, total uint64) {
				got := servertest.OK(c.Management.ListMachineKeys(t.Context(), &managementv1.ListMachineKeysRequest{UserId: robot, Query: query}))(t)
				for _, key := range got.GetResult() {
					ids = append(ids, key.GetId())
				}
				return ids, got.GetDetails().GetTotalResult()
			})
			_, err := c.Management.ListMachineKeys(t.Context(), &managementv1.ListMachineKeysRequest{UserId: robot, Query: &zitadelv1.ListQuery{Limit: 1001}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
	})
}

func TestRemoveMachineKey(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another, changes := i.NewMachine(t, "robot"), i.NewMachine(t, "another"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 3
			key, stays := addKey(t, c, robot, nil), addKey(t, c, robot, nil)
			with := s.As(s.Exchange(t, i.Domain, key.GetKeyDetails())).On(i.Domain)
			other := s.As(s.Exchange(t, i.Domain, stays.GetKeyDetails())).On(i.Domain)
			request := &managementv1.RemoveMachineKeyRequest{UserId: another, KeyId: key.GetKeyId()}
			_, err := c.Management.RemoveMachineKey(t.Context(), request)
			servertest.Refused(t, err, connect.CodeNotFound, "user.key_unknown")
			servertest.OK(with.Auth.GetMyUser(t.Context(), nil))(t)

			request.UserId = robot
			got := servertest.OK(c.Management.RemoveMachineKey(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.RemoveMachineKeyResponse{Details: details(changes, i.OrganizationID)})
			if !got.GetDetails().GetCreationDate().AsTime().Equal(key.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the key was created at another time")
			}
			_, err = c.Management.RemoveMachineKey(t.Context(), request)
			servertest.Refused(t, err, connect.CodeNotFound, "user.key_unknown")

			endpoint, form := s.Assertion(t, i.Domain, key.GetKeyDetails())
			answer, err := s.HTTP().PostForm(endpoint, form)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"invalid_grant"`) {
				t.Errorf("the key that was removed gets %s %s, %v", answer.Status, text, err)
			}
			// What was got with it ends with it, and nothing else.
			_, err = with.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
			servertest.OK(other.Auth.GetMyUser(t.Context(), nil))(t)
			s.Exchange(t, i.Domain, stays.GetKeyDetails())
		})
	})
}

// never is when a key or token expires that does not.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// until checks when something expires, and takes it out of the answer, whose
// other times are of now.
func until(t *testing.T, got **timestamppb.Timestamp, want time.Time) {
	t.Helper()
	if *got == nil || !(*got).AsTime().Equal(want) {
		t.Errorf("it expires at %v, want %v", (*got).AsTime(), want)
	}
	*got = nil
}

// checkPages checks that a list has all in this order, whole and in pages, and
// the other way round.
func checkPages(t *testing.T, all []string, list func(*zitadelv1.ListQuery) ([]string, uint64)) {
	t.Helper()
	for _, ascending := range []bool{true, false} {
		page := func(offset uint64, limit uint32) []string {
			found, total := list(&zitadelv1.ListQuery{Asc: ascending, Offset: offset, Limit: limit})
			if total != uint64(len(all)) {
				t.Errorf("from %d there are %d in all, want %d", offset, total, len(all))
			}
			return found
		}
		want := slices.Clone(all)
		if !ascending {
			slices.Reverse(want)
		}
		whole, pages := page(0, 0), slices.Concat(page(0, 1), page(1, 1), page(2, 1000), page(uint64(len(all)), 1))
		if !slices.Equal(whole, want) || !slices.Equal(pages, want) {
			t.Errorf("ascending %t: got %q, in pages %q, want %q", ascending, whole, pages, want)
		}
	}
}
