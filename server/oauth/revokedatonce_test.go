package oauth_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
)

// In the whole server, a token that was taken back is refused in every protocol
// by the very next call.
func TestRevokedAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			robot := i.NewMachine(t, c.Name("robot"))
			text := servertest.OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot}))(t).GetToken()
			me := s.As(text).On(i.Domain).Via(servertest.Protocol(path.Base(t.Name())))
			servertest.OK(me.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t)
			body := url.Values{"token": {text}, "client_id": {robot}}.Encode()
			_, port, err := net.SplitHostPort(s.Address)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+net.JoinHostPort(i.Domain, port)+oauth.RevocationPath, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", form)
			answer, err := s.HTTP().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if told, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("the answer is %s %s %v", answer.Status, told, err)
			}
			_, err = me.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			if connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("the error is %v", err)
			}
		})
	})
}
