package server_test

import (
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// atOnce runs f with each number below n at the same time.
func atOnce(n int, f func(int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

// Of many who want a domain at once one gets it, and the others leave nothing
// behind.
func TestOneWinsTheDomain(t *testing.T) {
	const callers = 32
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		request := func(domain string) *systemv1.CreateInstanceRequest {
			return &systemv1.CreateInstanceRequest{InstanceName: "x", CustomDomain: domain, Owner: &systemv1.CreateInstanceRequest_Machine_{
				Machine: &systemv1.CreateInstanceRequest_Machine{
					UserName: "owner", Name: "Owner", PersonalAccessToken: &systemv1.CreateInstanceRequest_PersonalAccessToken{},
				},
			}}
		}
		c, before := s.AsSystem(t), s.Rows(t)
		servertest.OK(c.System.CreateInstance(t.Context(), request("one.test")))(t)
		want := s.Rows(t)
		for table, rows := range want {
			want[table] = rows + rows - before[table] // once more
		}
		var winners sync.Map
		atOnce(callers, func(n int) {
			made, err := c.Via(servertest.Protocols[n%len(servertest.Protocols)]).System.CreateInstance(t.Context(), request("wanted.test"))
			if err != nil {
				servertest.Refused(t, err, connect.CodeAlreadyExists, "domain.taken")
				return
			}
			winners.Store(made.GetInstanceId(), made.GetPat())
		})
		won := 0
		for _, pat := range winners.Range {
			won++
			servertest.OK(s.As(pat.(string)).On("wanted.test").Auth.GetMyUser(t.Context(), nil))(t)
		}
		if won != 1 {
			t.Errorf("%d callers got the domain", won)
		}
		servertest.SameRows(t, want, s.Rows(t))
	})
}

// Many write at once, without an error, and are counted without a gap.
func TestManyWriters(t *testing.T) {
	const writers = 64
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		first := s.First(t)
		robot := first.NewMachine(t, "robot")
		sequences := make([]uint64, writers)
		atOnce(writers, func(n int) {
			made, err := first.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot})
			if err != nil {
				t.Error(err)
				return
			}
			sequences[n] = made.GetDetails().GetSequence()
			// What was answered is there for the very next call.
			me, err := s.As(made.GetToken()).Auth.GetMyUser(t.Context(), nil)
			if err != nil {
				t.Error(err)
			} else if got := me.GetUser().GetDetails().GetSequence(); got < sequences[n] {
				t.Errorf("after change %d the user is at %d", sequences[n], got)
			}
		})
		slices.Sort(sequences)
		for n, got := range sequences {
			if want := uint64(n + 2); got != want { // the user itself was the first change
				t.Fatalf("change %d counted as %d: %v", want, got, sequences)
			}
		}
		db := s.Open(t)
		defer db.Close()
		var events, last int
		if err := db.QueryRow(`SELECT count(*), max(sequence) FROM events WHERE aggregate_id = '`+robot+`'`).Scan(&events, &last); err != nil {
			t.Fatal(err)
		}
		if events != writers+1 || last != events {
			t.Errorf("the history has %d changes of the user, the last is number %d", events, last)
		}
	})
}

// A write is in the very next read, whoever reads.
func TestReadsSeeWrites(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, system := s.NewInstance(t, "acme"), s.AsSystem(t)
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			servertest.OK(system.System.UpdateInstance(t.Context(), &systemv1.UpdateInstanceRequest{InstanceId: i.ID, InstanceName: name}))(t)
			if got := servertest.OK(i.Owner.Via(servertest.GRPC).Admin.GetMyInstance(t.Context(), nil))(t).GetInstance().GetName(); got != name {
				t.Errorf("the instance was named %q and is read as %q", name, got)
			}
			servertest.OK(system.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name + ".acme.test"}))(t)
			robot := i.NewToken(t, i.NewMachine(t, name))
			servertest.OK(robot.On(name+".acme.test").Auth.GetMyUser(t.Context(), nil))(t)
		}
	})
}
