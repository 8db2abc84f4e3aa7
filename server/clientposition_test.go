package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// balancer stands before two processes, and chooses one for each request.
type balancer struct {
	behind [2]*http.Client
	// choose returns the process for a request, and may hold it back.
	choose func(r *http.Request) int
}

func newBalancer(grpc bool, behind ...*servertest.Server) *balancer {
	b := new(balancer)
	for n, s := range behind {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!grpc)
		protocols.SetUnencryptedHTTP2(grpc)
		b.behind[n] = &http.Client{Transport: &http.Transport{
			Protocols: protocols,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", s.Address)
			},
		}}
	}
	return b
}

func (b *balancer) Do(r *http.Request) (*http.Response, error) {
	return b.behind[b.choose(r)].Do(r)
}

func (b *balancer) CloseIdleConnections() {
	for _, c := range b.behind {
		c.CloseIdleConnections()
	}
}

// What the Go SDK has written it reads, whichever process answers, by every
// protocol; also what it wrote by calls that overlapped, through both.
func TestClientReadsItsWrites(t *testing.T) {
	one := servertest.Installed(t, servertest.Postgres).Start(t)
	between, p := new(slow), beside(t, one.Place)
	p.Database = through(t, p.Database, between.carry)
	two := p.Start(t, func(c *server.Config) { c.MasterKeyFile = masterKeyOf(one.Place) })
	i := one.NewInstance(t, "acme")
	for name, options := range map[string][]client.Option{"connect": nil, "grpc": {client.WithGRPC()}, "grpc-web": {client.WithGRPCWeb()}} {
		for _, overlap := range []bool{false, true} {
			robot := name + "-one-by-one"
			if overlap {
				robot = name + "-at-once"
			}
			t.Run(robot, func(t *testing.T) {
				id := i.NewMachine(t, robot)
				servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER"}}))(t)
				token := servertest.OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: id}))(t)
				b := newBalancer(name == "grpc", one, two)
				c, err := client.New(t.Context(), "http://"+i.Domain, append(options,
					client.WithHTTPClient(b), client.WithToken(token.GetToken()), client.WithCleartext())...)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.CloseIdleConnections)

				readItsWrite(t, c, b, between, robot, id, token.GetTokenId(), overlap)
			})
		}
	}
}

// readItsWrite has a client take its own token back through the first process, while
// the second one, which knows the token by heart, hears of nothing.
func readItsWrite(t *testing.T, c *client.Client, b *balancer, between *slow, robot, id, tokenID string, overlap bool) {
	t.Helper()
	b.choose = func(*http.Request) int { return 1 }
	for range 2 { // from now on the second process knows the token by heart
		servertest.OK(c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t)
	}
	between.hold(t)
	sent, removed := make(chan struct{}), make(chan struct{})
	b.choose = func(r *http.Request) int {
		switch {
		case strings.HasSuffix(r.URL.Path, "/RemovePersonalAccessToken"):
			return 0
		case strings.HasSuffix(r.URL.Path, "/AddMachineUser"):
			close(sent)
			<-removed
		}
		return 1
	}
	added := make(chan error, 1)
	if overlap {
		go func() {
			_, err := c.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: robot + "-other", Name: "Other"})
			added <- err
		}()
		<-sent
	}
	servertest.OK(c.Management.RemovePersonalAccessToken(t.Context(), &managementv1.RemovePersonalAccessTokenRequest{UserId: id, TokenId: tokenID}))(t)
	close(removed)
	if overlap {
		if err := <-added; err != nil {
			t.Fatalf("the second process has heard of the removal: %v", err)
		}
	}
	if _, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}); !errors.Is(err, client.Unauthenticated) {
		t.Errorf("with the token that it took back itself: %v", err)
	}
}
