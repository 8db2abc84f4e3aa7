//go:build unix

package contract

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// roles returns what every role may do, as data.
func roles(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../permission/roles.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]string
	if err := json.Unmarshal(text, &all); err != nil {
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
	within := who.at == inSystem || who.at == inInstance || who.at == inOrganization
	holds := slices.ContainsFunc(who.roles, func(role string) bool { return slices.Contains(rolesWith(t, rule.GetPermission()), role) })
	if on == bastidev1.On_ON_SELF {
		switch {
		case rule.GetPermission() != "" && !holds:
			return denied
		case who.system:
			return missing // it is no user
		case rule.GetPermission() != "" && !within:
			return denied
		}
		return passed
	}
	if !holds {
		return denied
	}
	object := rule.GetObject() != nil
	switch {
	case on == bastidev1.On_ON_SYSTEM && !object:
		return either(who.at == inSystem, denied)
	case on == bastidev1.On_ON_SYSTEM:
		return either(who.at == inSystem || who.at == inOtherInstance, missing)
	case on == bastidev1.On_ON_INSTANCE:
		return either(who.at == inSystem || who.at == inInstance, denied)
	case on == bastidev1.On_ON_HEADER_ORG && who.system:
		return missing // no organization was chosen
	case on == bastidev1.On_ON_HEADER_ORG && who.at == inOrganization && who.elsewhere && object:
		return missing // it is of an organization that was not chosen
	case on == bastidev1.On_ON_HEADER_ORG:
		return either(within, denied)
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

func TestAccess(t *testing.T) {
	for _, database := range servertest.Databases {
		t.Run(string(database), func(t *testing.T) {
			place := servertest.Installed(t, database)
			users := systemUsers(t)
			var options []servertest.Option
			for _, u := range users {
				options = append(options, u.user.Option)
			}
			w := newWorld(t, place.Start(t, options...))
			subjects := w.strangers(t)
			subjects = append(subjects, w.members(t)...)
			for _, u := range users {
				u.client = w.server.AsSystemUser(t, u.user)
				subjects = append(subjects, u.subject)
			}
			for _, method := range methods() {
				for i := range subjects {
					w.checkAccess(t, method, &subjects[i])
				}
			}
			if len(subjects) < 4*len(roles(t))+8 {
				t.Errorf("only %d subjects", len(subjects))
			}
		})
	}
}

func (w *world) checkAccess(t *testing.T, method protoreflect.MethodDescriptor, who *subject) {
	t.Helper()
	rule := permission.RuleOf(method)
	want := expected(t, rule, *who)
	request := newRequest(t, method)
	w.nameObject(t, method, request)
	err := call(t, who.client, method, request)
	if got := outcomeOf(t, rule, err); got != want {
		t.Errorf("%s by %s: %s (%v), want %s", method.FullName(), who.name, got, err, want)
	}
	if err == nil {
		w.restore(t, string(method.Name()), who)
	}
}

// restore makes anew what a call ended.
func (w *world) restore(t *testing.T, method string, who *subject) {
	t.Helper()
	switch method {
	case "RemoveInstance":
		w.other = w.server.NewInstance(t, "other-"+strings.ToLower(id.Suffix(6)))
	case "RemoveUser":
		w.userID = w.first.NewMachine(t, "robot-"+id.Suffix(6))
	case "RemoveProject":
		w.projectID = w.newProject(t)
	case "RemoveMyUser", "RemoveOrg", "DeactivateOrg", "UpdateMyUserName":
		who.client = who.remake()
	}
}

// What a system user may do in one instance alone, the System API lets it do
// there and nowhere else.
func TestAccessOfOneInstance(t *testing.T) {
	place := servertest.Installed(t, servertest.SQLite)
	s := place.Start(t)
	other := s.NewInstance(t, "other")
	owner := servertest.NewSystemUser(t, "ops", caller.Membership{Level: caller.InstanceLevel, ID: other.ID, Roles: []string{"SYSTEM_OWNER", "IAM_OWNER"}})
	s.Stop(t)
	s = place.Start(t, owner.Option)
	w := world{server: s, first: s.First(t), other: other, system: s.AsSystem(t)}
	w.userID = w.first.NewMachine(t, "robot")
	w.projectID = w.newProject(t)
	here := subject{name: "ops", client: s.AsSystemUser(t, owner), system: true, roles: []string{"SYSTEM_OWNER", "IAM_OWNER"}, at: inOtherInstance}
	for _, method := range methods() {
		if method.Name() != "RemoveInstance" { // which ends the instance that it is about
			w.checkAccess(t, method, &here)
		}
	}
	there := here
	there.at, w.other = inThirdInstance, w.first
	for _, method := range methods() {
		w.checkAccess(t, method, &there)
	}
}
