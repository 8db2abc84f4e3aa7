package server_test

import (
	"fmt"
	"testing"

	"connectrpc.com/connect"

	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// What every call pays to know its instance.
func BenchmarkHost(b *testing.B) {
	for _, database := range servertest.Databases {
		for name, size := range map[string]int{"cached": 0, "not cached": -1} {
			b.Run(string(database)+"/"+name, func(b *testing.B) {
				s := servertest.Installed(b, database).Start(b, func(c *server.Config) { c.CacheSize = size })
				for name, host := range map[string]string{"owned": "localhost", "default": "nobody.test"} {
					b.Run(name, func(b *testing.B) {
						resolve := s.Running.Resolver(s.InstanceID)
						b.ReportAllocs()
						for b.Loop() {
							if _, _, err := resolve(b.Context(), host); err != nil {
								b.Fatal(err)
							}
						}
					})
				}
			})
		}
	}
}

func noDefaultInstance(c *server.Config) { c.DefaultInstance = server.NoDefaultInstance }

// The very next call on a host that was taken away is refused, in every
// protocol and however often it was answered before. With and without a cache.
func TestHostIsTakenAway(t *testing.T) {
	for name, size := range map[string]int{"cached": 0, "not cached": -1} {
		t.Run(name, func(t *testing.T) {
			servertest.Each(t, func(t *testing.T, s *servertest.Server) {
				system := s.AsSystem(t).System
				i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
				for n, p := range servertest.Protocols {
					domain := fmt.Sprintf("host%d.test", n)
					c := i.Owner.On(domain).Via(p)
					answers := func() {
						for range 2 {
							servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t)
						}
					}
					refused := func(code connect.Code, id string) {
						_, err := c.Auth.GetMyUser(t.Context(), nil)
						servertest.Refused(t, err, code, id)
					}
					refused(connect.CodeNotFound, hostUnknown)
					servertest.OK(system.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: domain}))(t)
					answers()
					servertest.OK(system.RemoveDomain(t.Context(), &systemv1.RemoveDomainRequest{InstanceId: i.ID, Domain: domain}))(t)
					refused(connect.CodeNotFound, hostUnknown)
					servertest.OK(system.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: other.ID, Domain: domain}))(t)
					refused(connect.CodeUnauthenticated, tokenInvalid) // it leads to the other one
					servertest.OK(other.Owner.On(domain).Via(p).Auth.GetMyUser(t.Context(), nil))(t)
				}
				servertest.OK(i.Owner.Auth.GetMyUser(t.Context(), nil))(t)
				servertest.OK(system.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID}))(t)
				_, err := i.Owner.Auth.GetMyUser(t.Context(), nil)
				servertest.Refused(t, err, connect.CodeNotFound, hostUnknown)
				servertest.OK(other.Owner.Auth.GetMyUser(t.Context(), nil))(t)
			}, noDefaultInstance, func(c *server.Config) { c.CacheSize = size })
		})
	}
}
