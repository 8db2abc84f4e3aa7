package permission

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/caller"
)

func TestRolesLoad(t *testing.T) {
	var lists map[string][]string
	if err := json.Unmarshal(rolesJSON, &lists); err != nil {
		t.Fatal(err)
	}
	if len(allRoles()) != len(lists) || len(lists) < 10 {
		t.Errorf("%d roles of %d", len(allRoles()), len(lists))
	}
	for role, permissions := range lists {
		if !IsRole(role) {
			t.Errorf("%s is no role", role)
		}
		if sorted := slices.Compact(slices.Sorted(slices.Values(permissions))); len(sorted) != len(permissions) {
			t.Errorf("%s names a permission twice", role)
		}
		for _, p := range permissions {
			if !Grants([]string{"unknown", role}, p) {
				t.Errorf("%s does not grant %s", role, p)
			}
			if p == "" || strings.ToLower(p) != p {
				t.Errorf("%s grants %q", role, p)
			}
		}
	}
	if IsRole("") || IsRole("unknown") || Grants([]string{"unknown", ""}, "iam.read") || Grants([]string{"IAM_OWNER"}, "") || Grants(nil, "iam.read") {
		t.Error("what is no role or permission passes")
	}
}

// A viewer changes nothing.
func TestViewersOnlyRead(t *testing.T) {
	for role, permissions := range granted {
		if !strings.HasSuffix(role, "_VIEWER") {
			continue
		}
		for p := range permissions {
			if strings.HasSuffix(p, ".write") || strings.HasSuffix(p, ".delete") || strings.HasSuffix(p, ".create") {
				t.Errorf("%s grants %s", role, p)
			}
		}
	}
}

func TestRolesOf(t *testing.T) {
	for level, test := range map[caller.Level]struct{ in, out []string }{
		caller.SystemLevel:       {in: allRoles()},
		caller.InstanceLevel:     {in: []string{"IAM_OWNER", "IAM_OWNER_VIEWER"}, out: []string{"SYSTEM_OWNER", "ORG_OWNER", "SELF_MANAGEMENT_GLOBAL", "PROJECT_OWNER"}},
		caller.OrganizationLevel: {in: []string{"ORG_OWNER", "SELF_MANAGEMENT_GLOBAL"}, out: []string{"SYSTEM_OWNER", "IAM_OWNER", "PROJECT_OWNER"}},
		0:                        {out: allRoles()},
	} {
		roles := RolesOf(level)
		if !slices.IsSorted(roles) {
			t.Errorf("level %d: %v is not sorted", level, roles)
		}
		for _, role := range test.in {
			if !slices.Contains(roles, role) {
				t.Errorf("level %d has no %s", level, role)
			}
		}
		for _, role := range test.out {
			if slices.Contains(roles, role) {
				t.Errorf("level %d has %s", level, role)
			}
		}
	}
}

func TestMayGive(t *testing.T) {
	const inSystem, inInstance, inOrg = caller.SystemLevel, caller.InstanceLevel, caller.OrganizationLevel
	objects := Objects{InstanceID: "i", OrganizationID: "o"}
	for _, test := range []struct {
		name string
		who  caller.Caller
		role string
		at   caller.Level
		want bool
	}{
		{"anybody gives a plain role", user(), "IAM_OWNER_VIEWER", inInstance, true},
		{"nobody gives an owner's", user(), "IAM_OWNER", inInstance, false},
		{"nor an impersonator's", user(on(inInstance, "i", "IAM_USER_MANAGER")), "IAM_END_USER_IMPERSONATOR", inInstance, false},
		{"an owner does", user(on(inInstance, "i", "IAM_OWNER")), "IAM_OWNER", inInstance, true},
		{"an owner gives an impersonator's", user(on(inInstance, "i", "IAM_OWNER")), "IAM_ADMIN_IMPERSONATOR", inInstance, true},
		{"an owner of another instance", user(on(inInstance, "j", "IAM_OWNER")), "IAM_OWNER", inInstance, false},
		{"an owner of an organization", user(on(inOrg, "o", "ORG_OWNER")), "IAM_OWNER", inInstance, false},
		{"one who holds the role below", user(on(inOrg, "o", "IAM_OWNER")), "IAM_OWNER", inInstance, false},
		{"a system owner", system(on(inSystem, "", "SYSTEM_OWNER")), "IAM_OWNER", inInstance, true},
		{"a system user who is IAM_OWNER", system(on(inSystem, "", "IAM_OWNER")), "IAM_OWNER", inInstance, true},
		{"a system viewer", system(on(inSystem, "", "SYSTEM_OWNER_VIEWER", "IAM_OWNER_VIEWER")), "IAM_OWNER", inInstance, false},
		{"an owner of the organization, in it", user(on(inOrg, "o", "ORG_OWNER")), "ORG_OWNER", inOrg, true},
		{"an owner of another organization", user(on(inOrg, "p", "ORG_OWNER")), "ORG_OWNER", inOrg, false},
		{"an owner of the instance, in an organization", user(on(inInstance, "i", "IAM_OWNER")), "ORG_OWNER", inOrg, true},
		{"ORG_OWNER held on the instance", user(on(inInstance, "i", "ORG_OWNER")), "ORG_OWNER", inOrg, true},
		{"no level", user(on(0, "o", "SYSTEM_OWNER", "IAM_OWNER", "ORG_OWNER")), "ORG_OWNER", inOrg, false},
		{"at no level", system(on(inSystem, "", "SYSTEM_OWNER")), "ORG_OWNER", 0, false},
		{"a viewer of the instance, in an organization", user(on(inInstance, "i", "IAM_OWNER_VIEWER")), "ORG_OWNER", inOrg, false},
	} {
		if got := MayGive(test.who, test.role, test.at, objects); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// A role that only an owner may give is beyond everybody else, also beyond who
// may do all that it allows.
func TestMayActAs(t *testing.T) {
	on := Objects{InstanceID: "i", OrganizationID: "o"}
	for _, test := range []struct {
		held, role string
		want       bool
	}{
		{"ORG_OWNER", "ORG_OWNER", true}, {"ORG_OWNER", "ORG_ADMIN_IMPERSONATOR", true}, {"ORG_OWNER", "ORG_PROJECT_CREATOR", true},
		{"ORG_USER_MANAGER", "ORG_USER_MANAGER", true}, {"ORG_USER_MANAGER", "ORG_OWNER_VIEWER", false},
		{"IAM_ORG_MANAGER", "ORG_SETTINGS_MANAGER", true}, {"IAM_ORG_MANAGER", "ORG_OWNER", false}, {"IAM_OWNER", "ORG_OWNER", true},
		{"ORG_OWNER", "ORG_NOBODY", true}, {"ORG_USER_MANAGER", "ORG_NOBODY", false},
	} {
		m := caller.Membership{Level: caller.OrganizationLevel, ID: "o", Roles: []string{test.held}}
		if test.held[0] == 'I' {
			m = caller.Membership{Level: caller.InstanceLevel, ID: "i", Roles: []string{test.held}}
		}
		if got := MayActAs(caller.Caller{Memberships: []caller.Membership{m}}, test.role, caller.OrganizationLevel, on); got != test.want {
			t.Errorf("%s as %s: %v", test.held, test.role, got)
		}
		m.ID = "another"
		if MayActAs(caller.Caller{Memberships: []caller.Membership{m}}, test.role, caller.OrganizationLevel, on) {
			t.Errorf("%s of another one as %s", test.held, test.role)
		}
	}
}
