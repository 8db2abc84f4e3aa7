package management_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

const roleDenied = "member.role_denied"

// join gives a user a role on the instance, in its own organization, or in
// another one.
func join(t *testing.T, i servertest.Tenant, other, user, at, role string) {
	t.Helper()
	switch at {
	case "instance":
		servertest.OK(i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: user, Roles: []string{role}}))(t)
	case "own":
		must(t, addMember(t, i.Owner, user, role))
	case "other":
		must(t, addMember(t, i.Owner.In(other), user, role))
	}
}

// Who writes users makes credentials for those alone whose roles it may give, or
// who may do nothing that it may not: a role counts where it is held.
func TestWhoMayActAsWhom(t *testing.T) {
	targets := map[string][]string{
		"nowhere":  {""},
		"own":      {"ORG_OWNER", "ORG_USER_MANAGER", "ORG_SETTINGS_MANAGER", "ORG_PROJECT_CREATOR", "ORG_ADMIN_IMPERSONATOR"},
		"other":    {"ORG_OWNER", "ORG_USER_MANAGER", "ORG_OWNER_VIEWER"},
		"instance": {"IAM_OWNER", "IAM_ORG_MANAGER", "IAM_USER_MANAGER", "IAM_LOGIN_CLIENT", "IAM_OWNER_VIEWER", "IAM_END_USER_IMPERSONATOR"},
	}
	plain := []string{"own ORG_USER_MANAGER", "own ORG_SETTINGS_MANAGER", "own ORG_PROJECT_CREATOR", "other ORG_USER_MANAGER", "other ORG_OWNER_VIEWER"}
	callers := map[string]struct {
		at  string
		may []string
	}{
		"ORG_USER_MANAGER": {"own", []string{"own ORG_USER_MANAGER"}},
		"ORG_OWNER":        {"own", []string{"own ORG_OWNER", "own ORG_USER_MANAGER", "own ORG_SETTINGS_MANAGER", "own ORG_PROJECT_CREATOR", "own ORG_ADMIN_IMPERSONATOR"}},
		"IAM_USER_MANAGER": {"instance", []string{"instance IAM_USER_MANAGER"}},
		"IAM_ORG_MANAGER":  {"instance", append([]string{"instance IAM_ORG_MANAGER", "instance IAM_USER_MANAGER"}, plain...)},
		"IAM_LOGIN_CLIENT": {"instance", append([]string{"instance IAM_ORG_MANAGER", "instance IAM_USER_MANAGER", "instance IAM_LOGIN_CLIENT", "instance IAM_OWNER_VIEWER"}, plain...)},
		"IAM_OWNER":        {"instance", nil}, // everybody
	}
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		other := i.NewOrganization(t, "Other")
		users := make(map[string]string)
		for at, roles := range targets {
			for _, role := range roles {
				name := at + " " + role
				users[name] = i.NewMachine(t, name)
				join(t, i, other, users[name], at, role)
			}
		}
		for role, as := range callers {
			id := i.NewMachine(t, "the "+role)
			c := i.NewToken(t, id)
			join(t, i, other, id, as.at, role)
			for name, user := range users {
				_, err := c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: user})
				switch {
				case role == "IAM_OWNER" || name == "nowhere " || slices.Contains(as.may, name):
					if err != nil {
						t.Errorf("%s as %s: %v", role, name, err)
					}
				default:
					t.Run(role+" as "+name, func(t *testing.T) { servertest.Refused(t, err, connect.CodePermissionDenied, roleDenied) })
				}
			}
		}
	})
}

// power is a call by which one takes power from a user, or gets its own.
type power struct {
	name string
	call func(t *testing.T, c *servertest.Caller, id string) error
}

// over are the calls that states and names are changed by, for people and
// machines alike.
var over = []power{
	{"deactivate", func(t *testing.T, c *servertest.Caller, id string) error { _, err := deactivate(t, c, id); return err }},
	{"reactivate", func(t *testing.T, c *servertest.Caller, id string) error { _, err := reactivate(t, c, id); return err }},
	{"lock", func(t *testing.T, c *servertest.Caller, id string) error { _, err := lock(t, c, id); return err }},
	{"unlock", func(t *testing.T, c *servertest.Caller, id string) error { _, err := unlock(t, c, id); return err }},
	{"rename", func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateUserName(t.Context(), &managementv1.UpdateUserNameRequest{UserId: id, UserName: "new-" + id})
		return err
	}},
}

// overPeople are those that the addresses of people are changed by.
var overPeople = []power{
	{"e-mail", func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateHumanEmail(t.Context(), &managementv1.UpdateHumanEmailRequest{UserId: id, Email: "new@example.com", IsEmailVerified: true})
		return err
	}},
	{"phone", func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.UpdateHumanPhone(t.Context(), &managementv1.UpdateHumanPhoneRequest{UserId: id, Phone: "+41791234567", IsPhoneVerified: true})
		return err
	}},
	{"no phone", func(t *testing.T, c *servertest.Caller, id string) error {
		_, err := c.Management.RemoveHumanPhone(t.Context(), &managementv1.RemoveHumanPhoneRequest{UserId: id})
		return err
	}},
}

// overMachines returns those that credentials of a machine are taken by, which
// it is given for that.
func overMachines(t *testing.T, i servertest.Tenant, id string) []power {
	t.Helper()
	pat := servertest.OK(i.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: id}))(t).GetTokenId()
	key := servertest.OK(i.Owner.Management.AddMachineKey(t.Context(), &managementv1.AddMachineKeyRequest{UserId: id, Type: authnv1.KeyType_KEY_TYPE_JSON}))(t).GetKeyId()
	servertest.OK(i.Owner.Management.GenerateMachineSecret(t.Context(), &managementv1.GenerateMachineSecretRequest{UserId: id}))(t)
	return []power{
		{"no token", func(t *testing.T, c *servertest.Caller, id string) error {
			_, err := c.Management.RemovePersonalAccessToken(t.Context(), &managementv1.RemovePersonalAccessTokenRequest{UserId: id, TokenId: pat})
			return err
		}},
		{"no key", func(t *testing.T, c *servertest.Caller, id string) error {
			_, err := c.Management.RemoveMachineKey(t.Context(), &managementv1.RemoveMachineKeyRequest{UserId: id, KeyId: key})
			return err
		}},
		{"no secret", func(t *testing.T, c *servertest.Caller, id string) error {
			_, err := c.Management.RemoveMachineSecret(t.Context(), &managementv1.RemoveMachineSecretRequest{UserId: id})
			return err
		}},
	}
}

// Nobody stops, revives, renames, reaches or disarms a user whose roles are
// beyond its own. How a person is addressed is no power.
func TestTheMorePowerfulStay(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		manager, boss, chief, person, robot := i.NewMachine(t, "manager"), i.NewHuman(t, "boss"), i.NewMachine(t, "chief"), i.NewHuman(t, "person"), i.NewMachine(t, "robot")
		must(t, addMember(t, i.Owner, manager, "ORG_USER_MANAGER"))
		for _, owner := range []string{boss, chief} {
			must(t, addMember(t, i.Owner, owner, "ORG_OWNER"))
		}
		c := i.NewToken(t, manager)
		people, machines := slices.Concat(over, overPeople), slices.Concat(over, overMachines(t, i, chief))
		before := s.Rows(t)
		for id, powers := range map[string][]power{boss: people, chief: machines} {
			for _, p := range powers {
				t.Run("beyond, "+p.name, func(t *testing.T) { servertest.Refused(t, p.call(t, c, id), connect.CodePermissionDenied, roleDenied) })
			}
		}
		servertest.SameRows(t, before, s.Rows(t))
		servertest.OK(c.Management.UpdateHumanProfile(t.Context(), &managementv1.UpdateHumanProfileRequest{UserId: boss, FirstName: "The", LastName: "Boss", DisplayName: "Boss"}))(t)
		servertest.OK(metadataOfUser.set(t.Context(), c, boss, "plan", "value"))(t)

		for id, powers := range map[string][]power{person: people, robot: slices.Concat(over, overMachines(t, i, robot))} {
			for _, p := range powers {
				if err := p.call(t, c, id); err != nil {
					t.Errorf("%s of a user without roles: %v", p.name, err)
				}
			}
		}
		// An owner who may write itself may.
		self := i.As(t, boss)
		for _, p := range overPeople {
			if err := p.call(t, self, boss); err != nil {
				t.Errorf("%s of itself: %v", p.name, err)
			}
		}
	})
}

// Whoever looks after the users of an organization is not told where else they
// are members.
func TestMembershipsElsewhere(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, _, all := joiner(t, i)
		manager := i.NewMachine(t, "manager")
		must(t, addMember(t, i.Owner, manager, "ORG_USER_MANAGER"))
		for name, c := range map[string]*servertest.Caller{"manager": i.NewToken(t, manager), "owner": i.Owner} {
			got := servertest.OK(c.Management.ListUserMemberships(t.Context(), &managementv1.ListUserMembershipsRequest{UserId: robot}))(t)
			if want := []string{membershipIDs(all)[2], membershipIDs(all)[1]}; !slices.Equal(membershipIDs(got.GetResult()), want) || got.GetDetails().GetTotalResult() != 2 {
				t.Errorf("the %s sees %v of %d, want %v", name, membershipIDs(got.GetResult()), got.GetDetails().GetTotalResult(), want)
			}
		}
	})
}
