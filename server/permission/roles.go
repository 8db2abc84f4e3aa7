package permission

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/server/caller"
)

//go:embed roles.json
var rolesJSON []byte

// granted has, by role, the set of its permissions.
var granted = func() map[string]map[string]bool {
	var lists map[string][]string
	if err := json.Unmarshal(rolesJSON, &lists); err != nil {
		panic(err) // the file is part of the program
	}
	sets := make(map[string]map[string]bool, len(lists))
	for role, permissions := range lists {
		sets[role] = make(map[string]bool, len(permissions))
		for _, p := range permissions {
			sets[role][p] = true
		}
	}
	return sets
}()

// Grants reports whether one of the roles has the permission.
func Grants(roles []string, permission string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return granted[role][permission] })
}

// Granted returns what the roles allow together, sorted.
func Granted(roles []string) []string {
	all := make(map[string]bool)
	for _, role := range roles {
		maps.Copy(all, granted[role])
	}
	return slices.Sorted(maps.Keys(all))
}

// IsRole reports whether the role exists.
func IsRole(role string) bool { return granted[role] != nil }

// allRoles returns every role, sorted.
func allRoles() []string { return slices.Sorted(maps.Keys(granted)) }

// level says which roles a membership of a level may hold, by prefix or name,
// the role whose holders may give every one of them, and what giving takes.
type level struct {
	prefix string
	also   []string
	owner  string
	// members is the permission to write members of the level; empty where
	// there are none in the database.
	members string
}

var levels = map[caller.Level]level{
	caller.SystemLevel:       {prefix: "", owner: "SYSTEM_OWNER"},
	caller.InstanceLevel:     {prefix: "IAM_", owner: "IAM_OWNER", members: "iam.member.write"},
	caller.OrganizationLevel: {prefix: "ORG_", also: []string{"SELF_MANAGEMENT_GLOBAL"}, owner: "ORG_OWNER", members: "org.member.write"},
}

// OwnerRole returns the role of the level whose holders may give every one of
// its roles; empty for what is no level.
func OwnerRole(at caller.Level) string { return levels[at].owner }

// RolesOf returns the roles that a member of the level can hold, sorted; none
// for what is no level.
func RolesOf(level caller.Level) []string {
	l, known := levels[level]
	return slices.DeleteFunc(allRoles(), func(role string) bool { return !known || !l.holds(role) })
}

func (l level) holds(role string) bool {
	return IsRole(role) && (strings.HasPrefix(role, l.prefix) || slices.Contains(l.also, role))
}

// guarded reports whether a role may be given, or taken, only by an owner.
func guarded(role string) bool {
	return strings.HasSuffix(role, "_OWNER") || strings.HasSuffix(role, "_IMPERSONATOR")
}

// MayGive reports whether c may give or take the role on the object of the
// level: any role that is not an owner's or impersonator's, else only as an
// owner of that level or a higher one. It presumes that c may write members.
func MayGive(c caller.Caller, role string, at caller.Level, objects Objects) bool {
	if !guarded(role) {
		return true
	}
	return slices.ContainsFunc(c.Memberships, func(m caller.Membership) bool {
		if m.Level > at || !objects.cover(m) {
			return false
		}
		return slices.ContainsFunc(m.Roles, func(held string) bool {
			for l := caller.SystemLevel; l <= at; l++ {
				if held == levels[l].owner {
					return true
				}
			}
			return false
		})
	})
}

// MayActAs reports whether c may act as a holder of the role on the object of
// the level: c could give itself the role there, or may do all that it allows
// already. A role that MayGive refuses is always refused, for its holders can
// give more than they may do.
func MayActAs(c caller.Caller, role string, at caller.Level, objects Objects) bool {
	if !MayGive(c, role, at, objects) {
		return false
	}
	if members := levels[at].members; members != "" && Has(c, members, objects) {
		return true
	}
	for p := range granted[role] {
		if !Has(c, p, objects) {
			return false
		}
	}
	return IsRole(role)
}
