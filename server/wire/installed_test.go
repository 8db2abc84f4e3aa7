//go:build unix

package wire_test

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// lastSecond is that of the year 9999, the last that a time can be in.
const lastSecond = 253402300799

// binaryProtocols are the protocols in which a time can be any two numbers.
var binaryProtocols = []servertest.Protocol{servertest.ConnectProto, servertest.GRPC, servertest.GRPCWeb, servertest.GRPCWebText}

// TestTimes sends times that are none, which the true databases cannot store,
// or could never give back.
func TestTimes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "times")
		for _, protocol := range binaryProtocols {
			t.Run(string(protocol), func(t *testing.T) { refuseTimes(t, s, i, protocol) })
		}
		last := &timestamppb.Timestamp{Seconds: lastSecond, Nanos: 999999999}
		servertest.OK(addKey(t, i.Owner.Via(servertest.GRPC), i.OwnerID, last))(t)
		added := servertest.OK(i.Owner.Via(servertest.GRPC).Management.AddPersonalAccessToken(t.Context(),
			&managementv1.AddPersonalAccessTokenRequest{UserId: i.OwnerID, ExpirationDate: last}))(t)
		servertest.OK(s.As(added.GetToken()).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t)
	})
}

func addKey(t *testing.T, c *servertest.Caller, user string, at *timestamppb.Timestamp) (*managementv1.AddMachineKeyResponse, error) {
	return c.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{
		UserId: user, Type: authnv1.KeyType_KEY_TYPE_JSON, ExpirationDate: at,
	})
}

func refuseTimes(t *testing.T, s *servertest.Server, i servertest.Tenant, protocol servertest.Protocol) {
	owner, system := i.Owner.Via(protocol), s.AsSystem(t).Via(protocol)
	before := s.Rows(t)
	for _, at := range []*timestamppb.Timestamp{
		{Seconds: lastSecond + 1}, {Seconds: 1 << 62}, {Seconds: -1 << 63}, {Seconds: -62135596801},
		{Seconds: lastSecond, Nanos: 1e9}, {Seconds: lastSecond, Nanos: -1},
	} {
		_, err := addKey(t, owner, i.OwnerID, at)
		refusedField(t, err, "expiration_date: ")
		_, err = owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: i.OwnerID, ExpirationDate: at})
		refusedField(t, err, "expiration_date: ")
		_, err = system.System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
			InstanceName: "x", Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
				UserName: "x", Name: "x", MachineKey: &systemv1.CreateInstanceRequest_MachineKey{
					Type: authnv1.KeyType_KEY_TYPE_JSON, ExpirationDate: at,
				},
			}},
		})
		refusedField(t, err, "machine.machine_key.expiration_date: ")
	}
	servertest.SameRows(t, before, s.Rows(t))
}

func refusedField(t *testing.T, err error, field string) {
	t.Helper()
	servertest.Refused(t, err, connect.CodeInvalidArgument, "request.time")
	if err != nil && !strings.Contains(err.Error(), field) {
		t.Errorf("%v does not name %q", err, field)
	}
}

// TestOrganizationThatCannotBe chooses organizations by what is no id; not
// every database takes such a text.
func TestOrganizationThatCannotBe(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.NewInstance(t, "o").Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for _, id := range []string{"\xff\xfe", "1\xff", strings.Repeat("1", 201), strings.Repeat("ä", 5000)} {
				_, err := c.In(id).Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
				servertest.Refused(t, err, connect.CodePermissionDenied, "auth.organization_denied")
			}
		})
	})
}

// TestAudienceOfAnotherPort sends tokens of a system user to a port that the
// caller made up, and to the one where the server is.
func TestAudienceOfAnotherPort(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		text, err := os.ReadFile(filepath.Join(s.DataDir, server.SystemKeyFile))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(host string) error {
			claims := tokentest.SelfSigned(server.FirstSystemUser, "http://"+host, s.Clock.Now())
			_, err := s.As(tokentest.Sign(t, jose.RS256, key, "", claims)).On(host).System.ListInstances(t.Context(), nil)
			return err
		}
		if err := ask(s.Address); err != nil { // 127.0.0.1; the external URL is that of localhost
			t.Error(err)
		}
		servertest.Refused(t, ask("127.0.0.1:1"), connect.CodeUnauthenticated, "auth.token_invalid")
		servertest.Refused(t, ask("localhost:1"), connect.CodeUnauthenticated, "auth.token_invalid")
	})
}

// TestDatabaseHangs has calls wait for a lock until their time is up: what the
// driver then answers looks like a cancellation, or like a lost connection.
func TestDatabaseHangs(t *testing.T) {
	s := servertest.Installed(t, servertest.Postgres).Start(t)
	owner := s.As(s.OwnerToken)
	servertest.OK(owner.Auth.GetMyUser(t.Context(), nil))(t)
	s.Restart(t, func(c *server.Config) { c.Limits.CallTimeout = 2 * shortTime })
	owner = s.As(s.OwnerToken)
	db := s.Open(t)
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // the test has ended
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE personal_access_tokens, users, signing_keys`); err != nil {
		t.Fatal(err)
	}
	owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
		_, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
		servertest.Refused(t, err, connect.CodeDeadlineExceeded, "request.deadline")
	})
	answer, err := s.HTTP().Get(s.URL + oauth.KeysPath)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != 504 || !strings.Contains(string(body), "temporarily_unavailable") {
		t.Errorf("HTTP %d %s", answer.StatusCode, body)
	}
}
