//go:build unix

package contract

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/fault"
)

// readRoles reads the roles once, for they are asked for at every call.
var readRoles = sync.OnceValues(func() (all map[string][]string, err error) {
	text, err := os.ReadFile("../permission/roles.json")
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &all)
	return all, err
})

// roles returns what every role may do, as data.
func roles(t *testing.T) map[string][]string {
	t.Helper()
	all, err := readRoles()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// rolesWith returns the roles that have a permission.
func rolesWith(t *testing.T, permission string) (with []string) {
	t.Helper()
	for role, permissions := range roles(t) {
		if slices.Contains(permissions, permission) {
			with = append(with, role)
		}
	}
	return with
}

// outcome is the class of an answer. One that got past the permission may be
// refused for what the request says, or for the state of things.
type outcome string

const (
	unauthenticated outcome = "unauthenticated"
	denied          outcome = "permission denied"
	missing         outcome = "not found"
	passed          outcome = "passed"
)

// refusals are the errors of the permission, by id; others come from what the
// call does.
var refusals = map[string]outcome{
	fault.TokenInvalid.With().ID():        unauthenticated,
	fault.PermissionMissing.With("").ID(): denied,
	fault.OrganizationDenied.With().ID():  denied,
	fault.OrganizationMissing.With().ID(): missing,
	fault.ObjectUnknown.With().ID():       missing,
	fault.InstanceUnknown.With().ID():     missing,
}

func outcomeOf(t *testing.T, rule *bastidev1.Rule, err error) outcome {
	t.Helper()
	id := faultOf(t, err)
	if rule.GetOn() == bastidev1.On_ON_SELF && id == fault.UserUnknown.With().ID() {
		return missing // the caller is no user
	}
	switch code := codeOf(err); code {
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeUnimplemented, connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return outcome(code.String())
	}
	if refused, known := refusals[id]; known {
		return refused
	}
	return passed
}

// expected is the model: what the rule and the roles say, and nothing of how
// the server decides.
func expected(t *testing.T, rule *bastidev1.Rule, who subject) outcome {
	t.Helper()
	on := rule.GetOn()
	switch {
	case on == bastidev1.On_ON_PUBLIC, on == bastidev1.On_ON_HOST:
		return passed
	case who.stranger, on == bastidev1.On_ON_SYSTEM && !who.system:
		return unauthenticated
	case on == bastidev1.On_ON_AUTHENTICATED:
		return passed
	}
	holds := slices.ContainsFunc(who.roles, func(role string) bool { return slices.Contains(rolesWith(t, rule.GetPermission()), role) })
	switch {
	case on == bastidev1.On_ON_SELF && who.system && (rule.GetPermission() == "" || holds):
		return missing // it is no user
	case on == bastidev1.On_ON_SELF && rule.GetPermission() == "":
		return passed
	case !holds:
		return denied
	}
	switch object := rule.GetObject() != nil; {
	case on == bastidev1.On_ON_SELF:
		return either(who.covers(who.own()), denied)
	case on == bastidev1.On_ON_SYSTEM && !object:
		return either(who.at == inSystem, denied)
	case on == bastidev1.On_ON_SYSTEM:
		return either(who.at == inSystem || who.at == inOtherInstance, missing)
	case on == bastidev1.On_ON_INSTANCE:
		return either(who.at == inSystem || who.at == inInstance, denied)
	case on == bastidev1.On_ON_HEADER_ORG && who.acts() == none:
		return missing
	case on == bastidev1.On_ON_HEADER_ORG && !who.covers(who.acts()):
		return denied
	case on == bastidev1.On_ON_HEADER_ORG:
		return either(!object || who.acts() == hostOrganization, missing)
	}
	t.Fatalf("the model does not know %s", on)
	return ""
}

func either(covered bool, otherwise outcome) outcome {
	if covered {
		return passed
	}
	return otherwise
}
