//go:build unix

package contract

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	projectv1 "github.com/bastide-id/bastide/gen/zitadel/project/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// Every method, called by everybody.
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
			subjects = append(subjects, w.choosers(t)...)
			for _, u := range users {
				u.client = w.server.AsSystemUser(t, u.user)
				subjects = append(subjects, u.subject)
			}
			if len(subjects) < 3*len(roles(t))+23 {
				t.Errorf("only %d subjects", len(subjects))
			}
			for _, method := range methods() {
				for i := range subjects {
					w.checkAccess(t, method, &subjects[i])
				}
				w.checkWhole(t, method)
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
	owner := w.first.Owner.Management
	switch method {
	case "RemoveInstance":
		w.other = w.server.NewInstance(t, "other-"+strings.ToLower(id.Suffix(6)))
	case "RemoveUser":
		w.userID = w.first.NewMachine(t, "robot-"+id.Suffix(6))
	case "DeactivateUser":
		servertest.OK(owner.ReactivateUser(t.Context(), &managementv1.ReactivateUserRequest{Id: w.userID}))(t)
	case "LockUser":
		servertest.OK(owner.UnlockUser(t.Context(), &managementv1.UnlockUserRequest{Id: w.userID}))(t)
	case "RemoveProject":
		w.projectID = newProject(t, w.first)
	case "DeactivateProject":
		servertest.OK(owner.ReactivateProject(t.Context(), &managementv1.ReactivateProjectRequest{Id: w.projectID}))(t)
	case "RemoveMyUser", "RemoveOrg", "DeactivateOrg", "UpdateMyUserName":
		who.client = who.remake()
	}
}

// checkWhole checks that calls of a method have left what the next calls need:
// in a world that ended, a refusal would prove nothing.
func (w *world) checkWhole(t *testing.T, method protoreflect.MethodDescriptor) {
	t.Helper()
	owner := w.first.Owner.Management
	organization, err := owner.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
	if state := organization.GetOrg().GetState(); state != orgv1.OrgState_ORG_STATE_ACTIVE {
		t.Fatalf("%s left the organization %s: %v", method.FullName(), state, err)
	}
	robot, err := owner.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: w.userID})
	if state := robot.GetUser().GetState(); state != userv1.UserState_USER_STATE_ACTIVE {
		t.Fatalf("%s left the user %s: %v", method.FullName(), state, err)
	}
	project, err := owner.GetProjectByID(t.Context(), &managementv1.GetProjectByIDRequest{Id: w.projectID})
	if state := project.GetProject().GetState(); state != projectv1.ProjectState_PROJECT_STATE_ACTIVE {
		t.Fatalf("%s left the project %s: %v", method.FullName(), state, err)
	}
}

// What a system user may do in one instance or organization alone, it may do
// there and nowhere else. Its memberships are not in the database, so one is
// enough.
func TestAccessOfSystemUsers(t *testing.T) {
	place := servertest.Installed(t, servertest.SQLite)
	w := newWorld(t, place.Start(t))
	users := choosingSystemUsers(t, w)
	if len(users) < 4*len(roles(t)) {
		t.Errorf("only %d subjects", len(users))
	}
	var options []servertest.Option
	for _, u := range users {
		options = append(options, u.user.Option)
	}
	w.server.Stop(t)
	s := place.Start(t, options...)
	w.server, w.first, w.system = s, s.First(t), s.AsSystem(t)
	for i := range users {
		users[i].client = s.AsSystemUser(t, users[i].user).In(w.first.OrganizationID)
	}
	for _, method := range methods() {
		for i := range users {
			// It would end the instance that memberships are in.
			if method.Name() == "RemoveInstance" && (users[i].at == inOtherInstance || users[i].at == inSystem) {
				continue
			}
			w.checkAccess(t, method, &users[i].subject)
		}
		w.checkWhole(t, method)
	}
}

// An object that is not there, and one of another instance, are unknown to those
// who may do everything.
func TestObjectsOfOthersAreUnknown(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		strange := w
		strange.userID, strange.projectID = w.other.NewMachine(t, "robot"), newProject(t, w.other)
		checked := 0
		for _, method := range methods() {
			rule := permission.RuleOf(method)
			if rule.GetObject() == nil {
				continue
			}
			for _, known := range []world{strange, {other: servertest.Tenant{ID: "1"}, userID: "1", projectID: "1"}} {
				if known.userID == strange.userID && known.other.ID == w.other.ID && w.mighty(method) == w.system {
					continue // the other instance is an object of the system
				}
				request := newRequest(t, method)
				known.nameObject(t, method, request)
				if got := outcomeOf(t, rule, call(t, w.mighty(method), method, request)); got != missing {
					t.Errorf("%s: %s", method.FullName(), got)
				}
				checked++
			}
		}
		if checked < 132 {
			t.Errorf("only %d calls", checked)
		}
	})
}
