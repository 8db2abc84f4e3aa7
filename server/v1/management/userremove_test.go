package management_test

import (
	"database/sql"
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestRemoveUser(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			for changes, id := range map[uint64]string{2: i.NewMachine(t, c.Name("robot")), 3: i.NewHuman(t, c.Name("ada"))} {
				request := &managementv1.RemoveUserRequest{Id: id}
				got := servertest.OK(c.Management.RemoveUser(t.Context(), request))(t)
				s.Equal(t, got, &managementv1.RemoveUserResponse{Details: details(changes, i.OrganizationID)})
				_, err := c.Management.RemoveUser(t.Context(), request)
				servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			}
			_, err := c.Management.RemoveUser(t.Context(), &managementv1.RemoveUserRequest{Id: other.OwnerID})
			servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
		})
		servertest.OK(other.Owner.Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// burden gives a user a row in every table that can have one of it, behind the
// back of the server where there is no other way.
func burden(t *testing.T, s *servertest.Server, i servertest.Tenant, id string) {
	t.Helper()
	i.As(t, id)
	makeMember(t, s, id, i.OrganizationID, "ORG_USER_MANAGER")
	servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{"IAM_OWNER_VIEWER"}}))(t)
	servertest.OK(i.Owner.Management.UpdateUserName(t.Context(), &managementv1.UpdateUserNameRequest{UserId: id, UserName: "secret-name-" + id}))(t)
	of := ` FROM users u WHERE u.user_id = '` + id + `'`
	s.Exec(t, `INSERT INTO user_metadata (instance_id, user_pk, key, key_key, value, sequence, created_at, changed_at)
		SELECT u.instance_id, u.id, 'key', u.name_key, u.name_key, 1, u.created_at, u.created_at`+of)
	s.Exec(t, `INSERT INTO verification_codes (instance_id, user_pk, kind, hash, expires_at) SELECT u.instance_id, u.id, 'email', u.name_key, u.created_at`+of)
	s.Exec(t, `INSERT INTO user_grants (instance_id, user_pk, grant_id, organization_pk, resource_owner, project_pk, role_keys, sequence, created_at, changed_at)
		SELECT u.instance_id, u.id, 'grant-`+id+`', p.organization_pk, p.resource_owner, p.id, '[]', 1, u.created_at, u.created_at
		FROM users u, projects p WHERE u.user_id = '`+id+`'`)
}

// eventTypes returns the types of events that a condition finds, in order.
func eventTypes(t *testing.T, db *sql.DB, condition string) (types []string) {
	t.Helper()
	rows, err := db.Query(`SELECT type FROM events WHERE ` + condition + ` ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		types = append(types, name)
	}
	return types
}

// Of a user who was removed is left that there was one.
func TestRemovedUserIsGone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.Exec(t, `INSERT INTO projects (instance_id, project_id, organization_pk, resource_owner, name, name_key, sequence, created_at, changed_at)
			SELECT instance_id, 'project', id, organization_id, 'project', name_key, 1, created_at, created_at FROM organizations WHERE organization_id = '`+i.OrganizationID+`'`)
		i.As(t, i.OwnerID) // a test that goes behind the back of the server leases a number
		before := s.Rows(t)
		ada, robot := i.NewHuman(t, "ada"), "robot"
		servertest.OK(i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "robot", Name: "robot", UserId: &robot}))(t)
		i.NewToken(t, robot)
		servertest.OK(i.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: robot, Type: authnv1.KeyType_KEY_TYPE_JSON}))(t)
		burden(t, s, i, ada)
		burden(t, s, i, robot)
		for _, gender := range []userv1.Gender{userv1.Gender_GENDER_DIVERSE, userv1.Gender_GENDER_FEMALE} {
			servertest.OK(i.Owner.Management.UpdateHumanProfile(t.Context(), &managementv1.UpdateHumanProfileRequest{
				UserId: ada, FirstName: "A", LastName: "L", DisplayName: "X", PreferredLanguage: "gsw", Gender: gender,
			}))(t)
		}
		servertest.OK(metadataOfUser.set(t.Context(), i.Owner, ada, "telling-key", "x"))(t)
		servertest.OK(metadataOfUser.remove(t.Context(), i.Owner, ada, "telling-key"))(t)
		full := s.Rows(t)
		for _, table := range []string{
			"users", "passwords", "personal_access_tokens", "machine_keys", "access_tokens", "user_metadata", "verification_codes", "user_grants", "memberships", "personal_data",
		} {
			if full[table] <= before[table] {
				t.Errorf("the users have nothing in %s", table)
			}
		}
		db := s.Open(t)
		defer db.Close()
		for _, id := range []string{ada, robot} {
			servertest.OK(remove(t, i.Owner, id))(t)
			of := eventTypes(t, db, `aggregate_type = 'user' AND aggregate_id = '`+id+`'`)
			if len(of) < 3 || of[len(of)-1] != "user.removed" {
				t.Errorf("the history of the user is %q", of)
			}
			with := eventTypes(t, db, `aggregate_type <> 'user' AND CAST(payload AS TEXT) LIKE '%`+id+`%'`)
			if want := []string{"instance.member.added", "user.grant.cascade.removed", "instance.member.removed", "org.member.removed"}; !slices.Equal(sorted(with), sorted(want)) {
				t.Errorf("besides there are %q, want %q", with, want)
			}
		}
		after := s.Rows(t)
		if after["events"] <= full["events"] {
			t.Error("the history is cut")
		}
		after["events"] = before["events"]
		servertest.SameRows(t, before, after)
		for _, telling := range []string{"secret-name", "ada", "gsw", "gender", "preferredLanguage", "telling-key"} {
			if left := eventTypes(t, db, `CAST(payload AS TEXT) LIKE '%`+telling+`%'`); len(left) > 0 {
				t.Errorf("the history tells of the person with %q: %q", telling, left)
			}
		}

		// The names are free, the ids are not.
		i.NewMachine(t, "ada")
		for _, id := range []string{ada, robot} {
			_, err := i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "again", Name: "x", UserId: &id})
			servertest.Refused(t, err, connect.CodeAlreadyExists, "user.id_taken")
		}
	})
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

// Who removes a user takes its roles, and must be one who may.
func TestRemoveTheMorePowerful(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		second, manager, viewer := i.NewMachine(t, "second"), i.NewMachine(t, "manager"), i.NewMachine(t, "viewer")
		for id, role := range map[string]string{second: "IAM_OWNER", manager: "IAM_USER_MANAGER", viewer: "IAM_OWNER_VIEWER"} {
			servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: id, Roles: []string{role}}))(t)
		}
		impersonator := i.NewMachine(t, "impersonator")
		makeMember(t, s, impersonator, i.OrganizationID, "ORG_ADMIN_IMPERSONATOR")
		c := i.NewToken(t, manager)
		before := s.Rows(t)
		for _, id := range []string{second, impersonator, viewer} {
			_, err := remove(t, c, id)
			servertest.Refused(t, err, connect.CodePermissionDenied, "member.role_denied")
		}
		servertest.SameRows(t, before, s.Rows(t))
		servertest.OK(remove(t, c, i.NewMachine(t, "plain")))(t)
		servertest.OK(remove(t, i.Owner, viewer))(t)
		servertest.OK(remove(t, i.Owner, second))(t)
		servertest.OK(remove(t, c, manager))(t) // itself
	})
}
