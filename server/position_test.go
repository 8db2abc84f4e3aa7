package server_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
)

// slow stands between a server and PostgreSQL. While it is told so, it holds back
// what the server would hear of others.
type slow struct {
	mu   sync.Mutex
	held chan struct{} // closed when no longer held back; nil for not

	barriers atomic.Int64 // that the server sent
}

// hold holds back until release is called or the test ends.
func (s *slow) hold(t *testing.T) (release func()) {
	t.Helper()
	held := make(chan struct{})
	set := func(to chan struct{}) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = to
	}
	set(held)
	release = sync.OnceFunc(func() {
		set(nil)
		close(held)
	})
	t.Cleanup(release)
	return release
}

func (s *slow) carry(client net.Conn, network, target string) {
	defer client.Close()
	backend, err := net.Dial(network, target)
	if err != nil {
		return
	}
	defer backend.Close()
	var listens atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := backend.Read(buffer)
			if err != nil {
				return
			}
			s.mu.Lock()
			held := s.held
			s.mu.Unlock()
			if listens.Load() && held != nil {
				<-held
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("LISTEN ")) {
			listens.Store(true)
		}
		if bytes.Contains(buffer[:n], []byte("barrier")) {
			s.barriers.Add(1)
		}
		if _, err := backend.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// revoke takes a token back at the endpoint of OAuth, and returns the position of
// that.
func revoke(t *testing.T, s *servertest.Server, domain, userID, token string) string {
	t.Helper()
	answer := public(t, s, domain, oauth.RevocationPath, nil, url.Values{"token": {token}, "client_id": {userID}})
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the token was not taken back: %s", answer.Status)
	}
	return answer.Header.Get("X-Bastide-Position")
}

// public asks an endpoint of OAuth.
func public(t *testing.T, s *servertest.Server, domain, path string, header http.Header, form url.Values) *http.Response {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+net.JoinHostPort(domain, port)+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer
}

// What changes something is answered with a position, in every protocol, and
// what does not is not; every position is taken.
func TestPositions(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			robot := servertest.OK(c.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: c.Name("robot"), Name: "Robot"}))(t).GetUserId()
			added := c.Position()
			servertest.OK(c.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: robot}))(t)
			deactivated := c.Position()
			if added == "" || deactivated == "" || added == deactivated {
				t.Errorf("the positions are %q and %q", added, deactivated)
			}
			for _, position := range []string{added, deactivated} {
				knowing := c.Knowing(position)
				got := servertest.OK(knowing.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: robot}))(t)
				if knowing.Position() != "" || got.GetUser().GetUserName() != c.Name("robot") {
					t.Errorf("a read has the position %q", knowing.Position())
				}
			}
			_, err := c.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: robot})
			if err == nil || c.Position() != "" {
				t.Errorf("what was refused with %v has the position %q", err, c.Position())
			}
			_, err = c.Knowing("1").Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: robot})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.position")
			servertest.OK(c.Management.ReactivateUser(t.Context(), &managementv1.ReactivateUserRequest{Id: robot}))(t)
			token := servertest.OK(c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot}))(t).GetToken()
			if revoke(t, s, i.Domain, robot, token) == "" {
				t.Error("a token was taken back without a position")
			}
		})
	})
}

// A token that was taken back by one process is refused at once by another that
// has not heard of it, in every protocol, when the position is sent.
func TestRevokedByAnotherProcess(t *testing.T) {
	one := servertest.Installed(t, servertest.Postgres).Start(t)
	between, p := new(slow), beside(t, one.Place)
	p.Database = through(t, p.Database, between.carry)
	two := p.Start(t, func(c *server.Config) { c.MasterKeyFile = masterKeyOf(one.Place) })
	i := one.NewInstance(t, "acme")
	for _, protocol := range servertest.Protocols {
		t.Run(string(protocol), func(t *testing.T) {
			robot := i.NewMachine(t, "robot-"+string(protocol))
			token := servertest.OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot}))(t).GetToken()
			me := two.As(token).On(i.Domain).Via(protocol)
			for range 2 {
				servertest.OK(me.Auth.GetMyUser(t.Context(), nil))(t)
			}
			release := between.hold(t)
			position := revoke(t, one, i.Domain, robot, token)
			if _, err := me.Auth.GetMyUser(t.Context(), nil); err != nil {
				t.Logf("who does not send the position is not late here: %v", err)
			}
			for range 2 {
				_, err := me.Knowing(position).Auth.GetMyUser(t.Context(), nil)
				servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
			}
			header := http.Header{"Authorization": {"Bearer " + token}, "X-Bastide-Position": {position}}
			if answer := public(t, two, i.Domain, oauth.UserinfoPath, header, nil); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("userinfo answered %s", answer.Status)
			}
			release()
			var err error
			for until := time.Now().Add(hearsWithin); err == nil && time.Now().Before(until); {
				_, err = me.Auth.GetMyUser(t.Context(), nil)
			}
			servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
		})
	}
}

// Who is not authenticated has the database asked, and nothing told to the
// processes.
func TestStrangersSendNoBarrier(t *testing.T) {
	place, between := servertest.Installed(t, servertest.Postgres), new(slow)
	place.Database = through(t, place.Database, between.carry)
	s := place.Start(t)
	i := s.NewInstance(t, "acme")
	me := s.As(i.OwnerToken).On(i.Domain)
	between.barriers.Store(0)
	for range 20 {
		position := caller.NewPosition().String()
		_, err := s.As("no-token").On(i.Domain).Knowing(position).Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, tokenInvalid)
		header := http.Header{"X-Bastide-Position": {position}}
		if answer := public(t, s, i.Domain, oauth.TokenPath, header, url.Values{"grant_type": {"client_credentials"}}); answer.StatusCode < 400 {
			t.Fatalf("a stranger was answered %s", answer.Status)
		}
	}
	servertest.OK(me.Knowing(caller.NewPosition().String()).Auth.GetMyUser(t.Context(), nil))(t)
	for until := time.Now().Add(hearsWithin); between.barriers.Load() == 0 && time.Now().Before(until); {
		servertest.OK(me.Auth.GetMyUser(t.Context(), nil))(t)
	}
	if sent := between.barriers.Load(); sent != 1 {
		t.Errorf("%d barriers were sent for one call whose caller is known", sent)
	}
}

// A host that one process took from an instance is not served by another that has
// not heard of it, when the position is sent.
func TestHostRemovedByAnotherProcess(t *testing.T) {
	one := servertest.Installed(t, servertest.Postgres).Start(t)
	between, p := new(slow), beside(t, one.Place)
	p.Database = through(t, p.Database, between.carry)
	two := p.Start(t, func(c *server.Config) {
		c.MasterKeyFile, c.DefaultInstance = masterKeyOf(one.Place), server.NoDefaultInstance
	})
	i := one.NewInstance(t, "acme")
	there := two.As(i.OwnerToken).On(i.Domain)
	for range 2 {
		servertest.OK(there.Auth.GetMyUser(t.Context(), nil))(t)
	}
	between.hold(t)
	system := one.AsSystem(t)
	servertest.OK(system.System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID}))(t)
	_, err := there.Knowing(system.Position()).Auth.GetMyUser(t.Context(), nil)
	servertest.Refused(t, err, connect.CodeNotFound, "request.host_unknown")
}
