//go:build unix

package servertest_test

import (
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// Every protocol carries a call, and an error with its id.
func TestProtocols(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.As(s.OwnerToken).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			me := servertest.OK(c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}))(t)
			if name := me.GetUser().GetUserName(); name != "owner" {
				t.Errorf("the user is %q", name)
			}
		})
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			_, err := c.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: "unknown"})
			servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")
		})
		s.Restart(t)
		first := s.First(t)
		if user := first.NewToken(t, first.NewMachine(t, "robot")); user == nil {
			t.Error("no user")
		}
	})
}
