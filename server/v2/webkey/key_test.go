package webkey_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	eventv1 "github.com/bastide-id/bastide/gen/zitadel/event/v1"
	webkeyv2 "github.com/bastide-id/bastide/gen/zitadel/webkey/v2"
	"github.com/bastide-id/bastide/server/servertest"
)

type request = webkeyv2.CreateWebKeyRequest

func ofRSA(bits webkeyv2.RSABits, hasher webkeyv2.RSAHasher) *request {
	return &request{Key: &webkeyv2.CreateWebKeyRequest_Rsa{Rsa: &webkeyv2.RSA{Bits: bits, Hasher: hasher}}}
}

func ofECDSA(curve webkeyv2.ECDSACurve) *request {
	return &request{Key: &webkeyv2.CreateWebKeyRequest_Ecdsa{Ecdsa: &webkeyv2.ECDSA{Curve: curve}}}
}

func ofED25519() *request {
	return &request{Key: &webkeyv2.CreateWebKeyRequest_Ed25519{Ed25519: &webkeyv2.ED25519{}}}
}

func create(t *testing.T, c *servertest.Caller, r *request) string {
	t.Helper()
	return servertest.OK(c.WebKey.CreateWebKey(t.Context(), r))(t).GetId()
}

func activate(t *testing.T, c *servertest.Caller, id string) {
	t.Helper()
	servertest.OK(c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: id}))(t)
}

func list(t *testing.T, c *servertest.Caller) []*webkeyv2.WebKey {
	t.Helper()
	return servertest.OK(c.WebKey.ListWebKeys(t.Context(), nil))(t).GetWebKeys()
}

// published returns the keys that the instance publishes.
func published(t *testing.T, s *servertest.Server, i servertest.Tenant) (set jose.JSONWebKeySet) {
	t.Helper()
	_, port, _ := strings.Cut(s.Address, ":")
	response, err := s.HTTP().Get("http://" + i.Domain + ":" + port + "/oauth/v2/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	return set
}

// A key is made, is published, is listed, signs, does no more and goes.
func TestWebKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		former := create(t, i.Owner, ofED25519())
		activate(t, i.Owner, former)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			made := servertest.OK(c.WebKey.CreateWebKey(t.Context(), ofECDSA(webkeyv2.ECDSACurve_ECDSA_CURVE_P384)))(t)
			s.Equal(t, made, &webkeyv2.CreateWebKeyResponse{Id: made.GetId(), CreationDate: made.GetCreationDate()})
			if len(made.GetId()) != 18 || !made.GetCreationDate().IsValid() {
				t.Errorf("got %v", made)
			}
			check := func(newest, second webkeyv2.State) {
				t.Helper()
				all := list(t, c)
				if all[0].GetId() != made.GetId() || all[0].GetState() != newest || all[1].GetId() != former || all[1].GetState() != second {
					t.Errorf("the keys are %v", all)
				}
				if all[0].GetEcdsa().GetCurve() != webkeyv2.ECDSACurve_ECDSA_CURVE_P384 || !all[0].GetCreationDate().AsTime().Equal(made.GetCreationDate().AsTime()) ||
					all[0].GetChangeDate().AsTime().Before(made.GetCreationDate().AsTime()) {
					t.Errorf("the key is %v", all[0])
				}
				if keys := published(t, s, i); len(keys.Keys) != len(all) || keys.Keys[0].KeyID != made.GetId() {
					t.Errorf("published are %v", keys)
				}
			}
			check(webkeyv2.State_STATE_INITIAL, webkeyv2.State_STATE_ACTIVE)
			first := servertest.OK(c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: made.GetId()}))(t)
			check(webkeyv2.State_STATE_ACTIVE, webkeyv2.State_STATE_INACTIVE)
			again := servertest.OK(c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: made.GetId()}))(t)
			if !first.GetChangeDate().IsValid() || !again.GetChangeDate().AsTime().Equal(first.GetChangeDate().AsTime()) {
				t.Errorf("activated at %v, and at %v", first, again)
			}
			_, err := c.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: made.GetId()})
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "web_key.active")
			gone := servertest.OK(c.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: former}))(t)
			if at := gone.GetDeletionDate(); !at.IsValid() || at.AsTime().Before(first.GetChangeDate().AsTime()) {
				t.Errorf("the key went at %v", at)
			}
			gone = servertest.OK(c.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: former}))(t)
			if gone.GetDeletionDate() != nil {
				t.Errorf("a key that was gone went at %v", gone)
			}
			_, err = c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: former})
			servertest.Refused(t, err, connect.CodeNotFound, "web_key.unknown")
			former = made.GetId()
		})
	})
}

// Every kind that can be asked for is made, and listed as what it is.
func TestKindsOfWebKeys(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	i := s.NewInstance(t, "acme")
	for algorithm, r := range map[string]*request{
		"RS256": ofRSA(webkeyv2.RSABits_RSA_BITS_2048, webkeyv2.RSAHasher_RSA_HASHER_SHA256),
		"RS384": ofRSA(webkeyv2.RSABits_RSA_BITS_3072, webkeyv2.RSAHasher_RSA_HASHER_SHA384),
		"RS512": ofRSA(webkeyv2.RSABits_RSA_BITS_4096, webkeyv2.RSAHasher_RSA_HASHER_SHA512),
		"ES256": ofECDSA(webkeyv2.ECDSACurve_ECDSA_CURVE_P256),
		"ES384": ofECDSA(webkeyv2.ECDSACurve_ECDSA_CURVE_P384),
		"ES512": ofECDSA(webkeyv2.ECDSACurve_ECDSA_CURVE_P512),
		"EdDSA": ofED25519(),
	} {
		id := create(t, i.Owner, r)
		got := list(t, i.Owner)[0]
		s.Equal(t, asked(got), r)
		if key := published(t, s, i).Keys[0]; key.KeyID != id || key.Algorithm != algorithm {
			t.Errorf("%s is published as %s of %s", id, key.KeyID, key.Algorithm)
		}
	}
	create(t, i.Owner, &request{})
	if got := list(t, i.Owner)[0].GetRsa(); got.GetBits() != webkeyv2.RSABits_RSA_BITS_2048 || got.GetHasher() != webkeyv2.RSAHasher_RSA_HASHER_SHA256 {
		t.Errorf("if no kind is asked for, it is %v", got)
	}
}

// asked returns the request that asks for the kind of a key.
func asked(key *webkeyv2.WebKey) *request {
	switch of := key.GetKey().(type) {
	case *webkeyv2.WebKey_Rsa:
		return &request{Key: &webkeyv2.CreateWebKeyRequest_Rsa{Rsa: of.Rsa}}
	case *webkeyv2.WebKey_Ecdsa:
		return &request{Key: &webkeyv2.CreateWebKeyRequest_Ecdsa{Ecdsa: of.Ecdsa}}
	case *webkeyv2.WebKey_Ed25519:
		return &request{Key: &webkeyv2.CreateWebKeyRequest_Ed25519{Ed25519: of.Ed25519}}
	}
	return &request{}
}

// What is refused says why, and changes nothing.
func TestWebKeysRefuse(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		foreign := create(t, other.Owner, ofED25519())
		viewer, nobody := i.NewMachine(t, "viewer"), i.NewMachine(t, "nobody")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: viewer, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
		as := map[string]*servertest.Caller{"viewer": i.NewToken(t, viewer), "nobody": i.NewToken(t, nobody), "owner": i.Owner, "stranger": s.As("").On(i.Domain)}
		before := s.Rows(t)
		for name, test := range map[string]struct {
			who  string
			call func(*servertest.Caller) error
			code connect.Code
			id   string
		}{
			"no hasher": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.CreateWebKey(t.Context(), ofRSA(webkeyv2.RSABits_RSA_BITS_2048, 0))
				return err
			}, connect.CodeInvalidArgument, "request.invalid"},
			"unknown bits": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.CreateWebKey(t.Context(), ofRSA(17, webkeyv2.RSAHasher_RSA_HASHER_SHA256))
				return err
			}, connect.CodeInvalidArgument, "request.invalid"},
			"no curve": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.CreateWebKey(t.Context(), ofECDSA(0))
				return err
			}, connect.CodeInvalidArgument, "request.invalid"},
			"no id": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{})
				return err
			}, connect.CodeInvalidArgument, "request.invalid"},
			"long id": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: strings.Repeat("1", 201)})
				return err
			}, connect.CodeInvalidArgument, "request.invalid"},
			"key of another instance": {"owner", func(c *servertest.Caller) error {
				_, err := c.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: foreign})
				return err
			}, connect.CodeNotFound, "web_key.unknown"},
			"deletes another's": {"owner", func(c *servertest.Caller) error {
				gone, err := c.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: foreign})
				if gone.GetDeletionDate() != nil {
					t.Errorf("a key of another instance went: %v", gone)
				}
				return err
			}, 0, ""},
			"viewer": {"viewer", func(c *servertest.Caller) error {
				list(t, c)
				_, err := c.WebKey.CreateWebKey(t.Context(), ofED25519())
				return err
			}, connect.CodePermissionDenied, "auth.permission_missing"},
			"nobody": {"nobody", func(c *servertest.Caller) error {
				_, err := c.WebKey.ListWebKeys(t.Context(), nil)
				return err
			}, connect.CodePermissionDenied, "auth.permission_missing"},
			"stranger": {"stranger", func(c *servertest.Caller) error {
				_, err := c.WebKey.ListWebKeys(t.Context(), nil)
				return err
			}, connect.CodeUnauthenticated, "auth.token_invalid"},
		} {
			t.Run(name, func(t *testing.T) {
				err := test.call(as[test.who])
				if test.code == 0 && err == nil {
					return
				}
				servertest.Refused(t, err, test.code, test.id)
			})
		}
		servertest.SameRows(t, before, s.Rows(t))
		if all := list(t, other.Owner); len(all) != 1 || all[0].GetState() != webkeyv2.State_STATE_INITIAL {
			t.Errorf("the keys of the other instance are %v", all)
		}
	})
}

// An instance has so many keys at most, also if they are made at once.
func TestWebKeysMany(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 26 {
					if _, err := i.Owner.WebKey.CreateWebKey(t.Context(), ofED25519()); err != nil {
						servertest.Refused(t, err, connect.CodeFailedPrecondition, "web_key.many")
					}
				}
			})
		}
		all.Wait()
		keys := list(t, i.Owner)
		if len(keys) != 100 {
			t.Errorf("there are %d keys", len(keys))
		}
		servertest.OK(i.Owner.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: keys[50].GetId()}))(t)
		create(t, i.Owner, ofED25519())
	})
}

// Who changed keys stands in the history, and nothing of the keys themselves.
func TestWebKeyEvents(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		first, second := create(t, i.Owner, ofECDSA(webkeyv2.ECDSACurve_ECDSA_CURVE_P256)), create(t, i.Owner, ofED25519())
		activate(t, i.Owner, first)
		activate(t, i.Owner, second)
		servertest.OK(i.Owner.WebKey.DeleteWebKey(t.Context(), &webkeyv2.DeleteWebKeyRequest{Id: first}))(t)
		answer := servertest.OK(i.Owner.Admin.ListEvents(t.Context(), &adminv1.ListEventsRequest{AggregateTypes: []string{"web_key"}, Asc: true}))(t)
		var got []string
		for _, e := range answer.GetEvents() {
			got = append(got, what(e, first, second))
			if e.GetEditor().GetUserId() != i.OwnerID || e.GetAggregate().GetResourceOwner() != i.ID {
				t.Errorf("the event is %v", e)
			}
		}
		want := "added first, added second, activated first, deactivated first, activated second, removed first"
		if strings.Join(got, ", ") != want {
			t.Errorf("the history says %v", got)
		}
		for _, key := range published(t, s, i).Keys {
			text, err := json.Marshal(key)
			if err != nil || !key.IsPublic() || strings.Contains(string(text), `"d"`) {
				t.Errorf("published is %s, the error is %v", text, err)
			}
		}
		if status, list := i.Owner.REST(t, http.MethodGet, "/v2/web_keys", ""); status != http.StatusOK || strings.Contains(strings.ToLower(fmt.Sprint(list)), "private") {
			t.Errorf("got %d, %v", status, list)
		}
	})
}

func what(e *eventv1.Event, first, second string) string {
	name := map[string]string{first: "first", second: "second"}[e.GetAggregate().GetId()]
	return strings.TrimPrefix(e.GetType().GetType(), "web_key.") + " " + name
}
