package removal_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/removal"
	"github.com/bastide-id/bastide/server/servertest"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/store/across"
)

// eraseNothing is a server whose runner stands still.
func eraseNothing(c *server.Config) { c.EraseBatch = -1 }

// eraseInBatches is one that needs many transactions.
func eraseInBatches(c *server.Config) { c.EraseBatch = 25 }

// newOrg adds an organization with users, a person among them, and returns its
// id and a caller for it.
func newOrg(t *testing.T, i servertest.Tenant, name string, users int) (id string, c *servertest.Caller) {
	t.Helper()
	id = servertest.OK(i.Owner.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: name}))(t).GetId()
	c = i.Owner.In(id)
	servertest.OK(c.Management.ImportHumanUser(t.Context(), &managementv1.ImportHumanUserRequest{
		UserName: "person", Profile: &managementv1.ImportHumanUserRequest_Profile{FirstName: "Erin", LastName: "Person"},
		Email: &managementv1.ImportHumanUserRequest_Email{Email: "erin@example.com", IsEmailVerified: true}, Password: servertest.HumanPassword,
	}))(t)
	for n := range users {
		made := servertest.OK(c.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: fmt.Sprint("robot", n), Name: "x"}))(t)
		servertest.OK(c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: made.GetUserId()}))(t)
	}
	return id, c
}

// withoutHistory leaves out what only grows, and what tells of nobody.
func withoutHistory(rows map[string]int) map[string]int {
	delete(rows, "events")
	return rows
}

// What a removed organization held is free at once, not only when it is erased;
// and what is erased later is the old one's.
func TestNamesAreFreeAtOnce(t *testing.T) {
	const users = 20
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		first, _ := newOrg(t, i, "org", users)
		servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: first}))(t)
		before := s.Rows(t)
		second, there := newOrg(t, i, "org", users)
		if after := s.Rows(t); after["users"] != before["users"] || after["organizations"] != before["organizations"]+1 {
			t.Errorf("users were %d and are %d: each takes the place of one of the same name", before["users"], after["users"])
		}
		got := servertest.OK(there.Management.GetMyOrg(t.Context(), nil))(t).GetOrg()
		if got.GetId() != second || got.GetName() != "org" || got.GetPrimaryDomain() != "org.acme.test" {
			t.Errorf("the organization is %v", got)
		}
		_, err := there.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot1", Name: "x"})
		servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")

		s.Restart(t, eraseInBatches)
		s.Erased(t)
		want := withoutHistory(before)
		want["organization_domains"]++ // the removed one had given its own back
		servertest.SameRows(t, want, withoutHistory(s.Rows(t)))
		if org := servertest.OK(i.Owner.In(second).Admin.GetOrgByID(t.Context(), &adminv1.GetOrgByIDRequest{Id: second}))(t).GetOrg(); org.GetName() != "org" {
			t.Errorf("the organization is %v", org)
		}
	}, eraseNothing)
}

// A server that is cut off in the middle goes on when it starts again.
func TestErasingGoesOnAfterACrash(t *testing.T) {
	const users, batches = 30, 3
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		gone := s.NewInstance(t, "gone")
		empty := withoutHistory(s.Rows(t))
		id, _ := newOrg(t, i, "org", users)
		newOrg(t, gone, "org", users)
		servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id}))(t)
		servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: gone.ID}))(t)
		full := s.Rows(t)
		s.Stop(t)

		// The batches that a server did before it was killed.
		opened := openStore(t, s.Place)
		removed, err := opened.Removed(across.Instances(t.Context()))
		if err != nil || len(removed) != 2 {
			t.Fatalf("removed are %v, %v", removed, err)
		}
		for _, r := range removed {
			for range batches {
				err := opened.Write(caller.InInstance(t.Context(), r.InstanceID), func(ctx context.Context, tx *store.Tx) error {
					done, err := tx.Erase(ctx, r, 10)
					if done {
						t.Error("so little was not to be erased")
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		if half := s.Rows(t); half["personal_access_tokens"] >= full["personal_access_tokens"] || half["users"] <= empty["users"] {
			t.Errorf("there were %v, half of it is %v", full, half)
		}
		s.Restart(t, eraseInBatches)
		s.Erased(t)
		left := withoutHistory(s.Rows(t))
		for _, table := range []string{"instances", "instance_domains", "organizations", "organization_domains", "users", "memberships", "personal_access_tokens"} {
			if left[table] >= empty[table] { // "gone" went as well
				t.Errorf("%d rows of %s are left, %d were there", left[table], table, empty[table])
			}
		}
		for _, table := range []string{"personal_data", "passwords"} {
			if left[table] != 0 {
				t.Errorf("%d rows of %s are left", left[table], table)
			}
		}
		for _, stays := range []servertest.Tenant{i, other} {
			servertest.OK(s.As(stays.OwnerToken).On(stays.Domain).Auth.GetMyUser(t.Context(), nil))(t)
		}
	}, eraseNothing)
}

func openStore(t *testing.T, p servertest.Place) *store.Store {
	t.Helper()
	url := string(p.Database)
	if p.Kind == servertest.SQLite {
		url = filepath.Join(p.DataDir, "bastide.db")
	}
	opened, err := store.Open(t.Context(), store.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// Several runners on one database erase the same without getting into each
// other's way.
func TestSeveralRunners(t *testing.T) {
	const users = 30
	p := servertest.Installed(t, servertest.Postgres)
	s := p.Start(t, eraseNothing)
	i := s.NewInstance(t, "acme")
	empty := withoutHistory(s.Rows(t))
	id, _ := newOrg(t, i, "org", users)
	servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: id}))(t)
	runners := make([]*removal.Runner, 3)
	for n := range runners {
		opened := openStore(t, p)
		runners[n] = removal.New(removal.Options{Store: opened, Batch: 7, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		t.Cleanup(func() {
			runners[n].Close()
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, r := range runners {
		r.Start()
	}
	for _, r := range runners {
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := withoutHistory(s.Rows(t))
	got["worker_leases"] = empty["worker_leases"]
	servertest.SameRows(t, empty, got)
}

// What cannot be erased does not keep the rest.
func TestErasingGoesOnBehindAnError(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		before := withoutHistory(s.Rows(t))
		stuck, _ := newOrg(t, i, "stuck", 1)
		with := withoutHistory(s.Rows(t))
		gone, _ := newOrg(t, other, "gone", 1)
		servertest.OK(i.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: stuck}))(t)
		servertest.OK(other.Owner.Admin.RemoveOrg(t.Context(), &adminv1.RemoveOrgRequest{OrgId: gone}))(t)
		s.Exec(t, `CREATE TABLE blockers (organization_pk BIGINT NOT NULL REFERENCES organizations (id))`)
		s.Exec(t, `INSERT INTO blockers SELECT id FROM organizations WHERE organization_id = '`+stuck+`'`)
		s.Stop(t)
		opened := openStore(t, s.Place)
		defer opened.Close()
		runner := removal.New(removal.Options{Store: opened, Log: slog.New(slog.DiscardHandler)})
		if err := runner.EraseAll(t.Context()); err == nil {
			t.Error("what could not be erased is not told")
		}
		if after := s.Rows(t); after["users"] > with["users"] || after["organizations"] != before["organizations"]+1 {
			t.Errorf("%d users and %d organizations are left", after["users"], after["organizations"])
		}
		s.Exec(t, `DELETE FROM blockers`)
		if err := runner.EraseAll(t.Context()); err != nil {
			t.Error(err)
		}
		if after := s.Rows(t); after["organizations"] != before["organizations"] || after["users"] != before["users"] {
			t.Errorf("%d users and %d organizations are left", after["users"], after["organizations"])
		}
	}, eraseNothing)
}
