package system_test

import (
	"testing"

	"connectrpc.com/connect"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// With an instance end its tokens, on every path, and its domain is free.
func TestRemovedInstanceIsGone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := s.NewInstance(t, "other")
		empty := s.Rows(t)
		owner := machine()
		owner.Machine.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: keyJSON}
		made := servertest.OK(s.AsSystem(t).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
			InstanceName: "gone", CustomDomain: "gone.test", Owner: owner,
		}))(t)
		access := s.Exchange(t, "gone.test", made.GetMachineKey())
		servertest.OK(s.As(access).On("gone.test").Auth.GetMyUser(t.Context(), nil))(t)

		servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: made.GetInstanceId()}))(t)
		for _, token := range []string{made.GetPat(), access} {
			_, err := s.As(token).On("gone.test").Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		}
		_, err := s.AsSystem(t).System.ListDomains(t.Context(), &systemv1.ListDomainsRequest{InstanceId: made.GetInstanceId()})
		servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")

		// Nothing is left but the history, which tells of no person.
		s.Erased(t)
		left := s.Rows(t)
		if left["events"] <= empty["events"] {
			t.Error("the history of the instance is gone")
		}
		left["events"] = empty["events"]
		servertest.SameRows(t, empty, left)

		servertest.OK(s.AsSystem(t).System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: other.ID, Domain: "gone.test"}))(t)
		servertest.OK(other.Owner.On("gone.test").Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// The default instance answers on hosts that nobody owns, until it is removed.
func TestRemovedDefaultInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := s.NewInstance(t, "other")
		stranger := s.As(s.OwnerToken).On("nobody.test")
		servertest.OK(stranger.Auth.GetMyUser(t.Context(), nil))(t)
		servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: s.InstanceID}))(t)
		for _, c := range []*servertest.Caller{stranger, s.As(s.OwnerToken), s.As(s.OwnerToken).On("127.0.0.1"), s.As("").On("nobody.test")} {
			_, err := c.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeNotFound, "request.host_unknown")
		}
		servertest.OK(other.Owner.Auth.GetMyUser(t.Context(), nil))(t)
		// The system API needs no instance, and can make another one there.
		made := servertest.OK(s.AsSystem(t).On("nobody.test").System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
			InstanceName: "New", CustomDomain: "localhost", Owner: machine(),
		}))(t)
		servertest.OK(s.As(made.GetPat()).Auth.GetMyUser(t.Context(), nil))(t)
		s.Restart(t)
		servertest.OK(s.As(made.GetPat()).Auth.GetMyUser(t.Context(), nil))(t)
	})
}
