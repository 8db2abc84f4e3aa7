package management_test

import (
	"sync"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/servertest"
)

// step is a call that changes the state of a user.
type step func(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error)

func deactivate(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error) {
	answer, err := c.Management.DeactivateUser(t.Context(), &managementv1.DeactivateUserRequest{Id: id})
	return answer.GetDetails(), err
}

func reactivate(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error) {
	answer, err := c.Management.ReactivateUser(t.Context(), &managementv1.ReactivateUserRequest{Id: id})
	return answer.GetDetails(), err
}

func lock(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error) {
	answer, err := c.Management.LockUser(t.Context(), &managementv1.LockUserRequest{Id: id})
	return answer.GetDetails(), err
}

func unlock(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error) {
	answer, err := c.Management.UnlockUser(t.Context(), &managementv1.UnlockUserRequest{Id: id})
	return answer.GetDetails(), err
}

func remove(t *testing.T, c *servertest.Caller, id string) (*zitadelv1.ObjectDetails, error) {
	answer, err := c.Management.RemoveUser(t.Context(), &managementv1.RemoveUserRequest{Id: id})
	return answer.GetDetails(), err
}

func stateOf(t *testing.T, c *servertest.Caller, id string) userv1.UserState {
	t.Helper()
	return servertest.OK(c.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: id}))(t).GetUser().GetState()
}

func TestUserStates(t *testing.T) {
	const (
		active, inactive = userv1.UserState_USER_STATE_ACTIVE, userv1.UserState_USER_STATE_INACTIVE
		locked, initial  = userv1.UserState_USER_STATE_LOCKED, userv1.UserState_USER_STATE_INITIAL
	)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			fresh := person(c.Name("fresh"))
			fresh.Email.IsEmailVerified = true // but no password
			unproved := person(c.Name("unproved"))
			unproved.Password = servertest.HumanPassword
			for _, test := range []struct {
				id      string
				changes uint64
				usable  userv1.UserState
			}{
				{i.NewMachine(t, c.Name("robot")), 1, active},
				{i.NewHuman(t, c.Name("ada")), 2, active},
				{servertest.OK(c.Management.ImportHumanUser(t.Context(), fresh))(t).GetUserId(), 1, initial},
				{servertest.OK(c.Management.ImportHumanUser(t.Context(), unproved))(t).GetUserId(), 2, initial},
			} {
				for _, way := range []struct {
					there, back step
					state       userv1.UserState
				}{{deactivate, reactivate, inactive}, {lock, unlock, locked}} {
					for _, wrong := range []step{reactivate, unlock} {
						_, err := wrong(t, c, test.id)
						servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.state_wrong")
					}
					test.changes++
					s.Equal(t, servertest.OK(way.there(t, c, test.id))(t), details(test.changes, i.OrganizationID))
					if got := stateOf(t, c, test.id); got != way.state {
						t.Errorf("the user is %s, want %s", got, way.state)
					}
					for _, wrong := range []step{deactivate, lock} {
						_, err := wrong(t, c, test.id)
						servertest.Refused(t, err, connect.CodeFailedPrecondition, "user.state_wrong")
					}
					test.changes++
					s.Equal(t, servertest.OK(way.back(t, c, test.id))(t), details(test.changes, i.OrganizationID))
					if got := stateOf(t, c, test.id); got != test.usable {
						t.Errorf("the user is %s, want %s", got, test.usable)
					}
				}
			}
		})
	})
}

// What a user may do ends in the moment that the call is answered.
func TestStatesEndTokens(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, ada := i.NewMachine(t, "robot"), i.NewHuman(t, "ada")
		tokens := map[string]*servertest.Caller{robot: i.NewToken(t, robot), ada: i.As(t, ada)}
		for id, c := range tokens {
			for _, way := range [][2]step{{deactivate, reactivate}, {lock, unlock}} {
				servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t)
				servertest.OK(way[0](t, i.Owner, id))(t)
				_, err := c.Auth.GetMyUser(t.Context(), nil)
				servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
				servertest.OK(way[1](t, i.Owner, id))(t)
			}
			servertest.OK(c.Auth.GetMyUser(t.Context(), nil))(t)
			servertest.OK(remove(t, i.Owner, id))(t)
			_, err := c.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		}
	})
}

// makeMember makes a user a member of an organization, behind the back of the
// server.
func makeMember(t *testing.T, s *servertest.Server, userID, organizationID, role string) {
	t.Helper()
	s.Exec(t, `INSERT INTO memberships (instance_id, user_pk, level, object_id, organization_pk, roles, sequence, created_at, changed_at)
		SELECT u.instance_id, u.id, 'organization', o.organization_id, o.id, '["ORG_OWNER_VIEWER", "`+role+`"]', 1, u.created_at, u.created_at
		FROM users u, organizations o WHERE u.user_id = '`+userID+`' AND o.organization_id = '`+organizationID+`'`)
}

// everywhere is a system user who may do what the owner of an instance may.
func everywhere(t *testing.T) servertest.SystemUser {
	return servertest.NewSystemUser(t, "everywhere", caller.Membership{Level: caller.SystemLevel, Roles: []string{"IAM_OWNER"}})
}

// Somebody has to be left who can act as the owner.
func TestLastOwners(t *testing.T) {
	const last = "member.last_owner"
	system := everywhere(t)
	ending := map[string]step{"deactivate": deactivate, "lock": lock, "remove": remove}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c := s.AsSystemUser(t, system).On(i.Domain).In(i.OrganizationID)
		refused := func(why, id string) {
			t.Helper()
			for name, end := range ending {
				t.Run(why+", "+name, func(t *testing.T) {
					_, err := end(t, c, id)
					servertest.Refused(t, err, connect.CodeFailedPrecondition, last)
				})
			}
		}
		second := i.NewMachine(t, "second")
		viewer := i.NewMachine(t, "viewer")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: viewer, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
		makeMember(t, s, viewer, i.OrganizationID, "ORG_USER_MANAGER")
		before := s.Rows(t)
		refused("of instance and organization", i.OwnerID)
		makeMember(t, s, second, i.OrganizationID, "ORG_OWNER")
		refused("of the instance", i.OwnerID)
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: second, Roles: []string{"IAM_OWNER"}}))(t)
		servertest.OK(lock(t, c, second))(t)
		refused("beside one who is locked", i.OwnerID)
		servertest.OK(unlock(t, c, second))(t)
		servertest.OK(deactivate(t, c, i.OwnerID))(t)
		refused("beside one who is inactive", second)
		servertest.OK(reactivate(t, c, i.OwnerID))(t)
		if after := s.Rows(t); after["users"] != before["users"] || after["memberships"] != before["memberships"]+2 {
			t.Errorf("there are %d users and %d memberships", after["users"], after["memberships"])
		}

		// An organization of which others are the owners, and one who waits.
		elsewhere := i.NewOrganization(t, "elsewhere")
		waiting := servertest.OK(i.Owner.Management.ImportHumanUser(t.Context(), person("waiting")))(t).GetUserId()
		makeMember(t, s, waiting, elsewhere, "ORG_OWNER")
		refused("the only one, who cannot act yet", waiting)
		makeMember(t, s, second, elsewhere, "ORG_OWNER")
		refused("beside one who cannot act yet", second)
		servertest.OK(remove(t, c, waiting))(t)
		servertest.OK(remove(t, c, viewer))(t)
	}, system.Option)
}

// Two callers who each end one of the last two owners: one of them comes too
// late.
func TestLastOwnersAtOnce(t *testing.T) {
	system := everywhere(t)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		c := s.AsSystemUser(t, system).On(i.Domain).In(i.OrganizationID)
		second := i.NewMachine(t, "second")
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: second, Roles: []string{"IAM_OWNER"}}))(t)
		makeMember(t, s, second, i.OrganizationID, "ORG_OWNER")
		owners := []string{i.OwnerID, second}
		for round, ends := range [][2]step{{deactivate, deactivate}, {lock, deactivate}, {deactivate, lock}, {lock, lock}, {remove, remove}} {
			var errs [2]error
			var both sync.WaitGroup
			for n := range owners {
				both.Go(func() { _, errs[n] = ends[n](t, c, owners[n]) })
			}
			both.Wait()
			ended, late := 0, 1
			if errs[0] != nil {
				ended, late = 1, 0
			}
			if errs[ended] != nil {
				t.Fatalf("round %d: nobody was ended: %v", round, errs)
			}
			servertest.Refused(t, errs[late], connect.CodeFailedPrecondition, "member.last_owner")
			if round < 4 {
				if _, err := reactivate(t, c, owners[ended]); err != nil {
					servertest.OK(unlock(t, c, owners[ended]))(t)
				}
			}
		}
	}, system.Option)
}

func TestUpdateUserName(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		ada, changes := i.NewHuman(t, "ada"), uint64(2)
		other.NewMachine(t, "others")
		rename := func(c *servertest.Caller, id, name string) (*managementv1.UpdateUserNameResponse, error) {
			return c.Management.UpdateUserName(t.Context(), &managementv1.UpdateUserNameRequest{UserId: id, UserName: name})
		}
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for _, name := range []string{c.Name("ada"), c.Name("ADA"), "others", "ada"} { // the case alone may change, too
				changes++
				got := servertest.OK(rename(c, ada, name))(t)
				s.Equal(t, got, &managementv1.UpdateUserNameResponse{Details: details(changes, i.OrganizationID)})
				read := servertest.OK(c.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: ada}))(t).GetUser()
				if read.GetUserName() != name || read.GetPreferredLoginName() != name || read.GetDetails().GetSequence() != changes {
					t.Errorf("the user is %v", read)
				}
			}
			_, err := rename(c, ada, "ada")
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
			_, err = rename(c, ada, "OWNER")
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
			_, err = rename(c, ada, "")
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
			_, err = rename(c, other.OwnerID, "x")
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
		// In another scope the name is free.
		mustBeDomain(t, s, i)
		robot := i.NewMachine(t, "robot")
		servertest.OK(rename(i.Owner, robot, "ada"))(t)
		servertest.OK(rename(i.Owner, ada, "robot"))(t)
		_, err := rename(i.Owner, i.NewMachine(t, "third"), "ADA")
		servertest.Refused(t, err, connect.CodeAlreadyExists, "user.name_taken")
		// The history tells the names of people where they can be erased only.
		db := s.Open(t)
		defer db.Close()
		var public, personal int
		if err := db.QueryRow(`SELECT count(*), count(p.id) FROM events e LEFT JOIN personal_data p ON p.event_pk = e.id
			WHERE e.type = 'user.username.changed' AND e.payload IS NULL`).Scan(&public, &personal); err != nil {
			t.Fatal(err)
		}
		if want := int(changes-2) + 2; public != want || personal != want {
			t.Errorf("%d events without and %d with personal data, want %d", public, personal, want)
		}
	})
}
