//go:build unix

package contract

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/servertest"
)

// belongings are the ids of what an organization has, by the field that names
// them in requests.
type belongings map[protoreflect.Name]string

const roleKey = "reader"

// belongingsOf adds something of every kind to the host's organization.
func (w world) belongingsOf(t *testing.T) belongings {
	t.Helper()
	owner, ctx := w.first.Owner.Management, t.Context()
	servertest.OK(owner.AddProjectRole(ctx, &managementv1.AddProjectRoleRequest{ProjectId: w.projectID, RoleKey: roleKey, DisplayName: roleKey}))(t)
	app := servertest.OK(owner.AddAPIApp(ctx, &managementv1.AddAPIAppRequest{
		ProjectId: w.projectID, Name: "api", AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT,
	}))(t).GetAppId()
	appKey := servertest.OK(owner.AddAppKey(ctx, &managementv1.AddAppKeyRequest{ProjectId: w.projectID, AppId: app, Type: authnv1.KeyType_KEY_TYPE_JSON}))(t).GetId()
	key := servertest.OK(owner.AddMachineKey(ctx, &managementv1.AddMachineKeyRequest{UserId: w.userID, Type: authnv1.KeyType_KEY_TYPE_JSON}))(t).GetKeyId()
	token := servertest.OK(owner.AddPersonalAccessToken(ctx, &managementv1.AddPersonalAccessTokenRequest{UserId: w.userID}))(t).GetTokenId()
	grant := servertest.OK(owner.AddUserGrant(ctx, &managementv1.AddUserGrantRequest{UserId: w.userID, ProjectId: w.projectID, RoleKeys: []string{roleKey}}))(t).GetUserGrantId()
	return belongings{
		"user_id": w.userID, "project_id": w.projectID, "app_id": app, "app key": appKey, "key_id": key, "token_id": token,
		"grant_id": grant, "id": grant, "role_key": roleKey, "role_keys": roleKey,
	}
}

// request returns a request for a method that names what the organization has,
// and whether it can name any of that.
func (b belongings) request(t *testing.T, w world, method protoreflect.MethodDescriptor) (request proto.Message, names bool) {
	t.Helper()
	request = newRequest(t, method)
	m := request.ProtoReflect()
	fill(t, m, nil)
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		value, known := b[field.Name()]
		if field.Name() == "key_id" && m.Descriptor().Fields().ByName("app_id") != nil {
			value = b["app key"]
		}
		if !known || field.Kind() != protoreflect.StringKind {
			continue
		}
		names = names || !strings.HasPrefix(string(field.Name()), "role")
		m.Clear(field)
		put(field, protoreflect.ValueOfString(value))(m)
	}
	w.nameObject(t, method, request)
	return request, names
}

// The owner of one organization gets nowhere with the ids of another, also with
// those that no rule mentions. Afterwards the owner of that one does, with the
// same requests.
func TestIDsOfOtherOrganizations(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		of, stranger := w.belongingsOf(t), w.ownerElsewhere(t)
		before := s.Rows(t)
		var tried []protoreflect.MethodDescriptor
		for _, method := range methods() {
			if permission.RuleOf(method).GetOn() != bastidev1.On_ON_HEADER_ORG {
				continue
			}
			request, names := of.request(t, w, method)
			if !names {
				continue
			}
			tried = append(tried, method)
			if err := call(t, stranger, method, request); err == nil {
				t.Errorf("%s went well with %v", method.FullName(), request)
			}
		}
		servertest.SameRows(t, before, s.Rows(t))
		// What removes comes last: the others need what it removes.
		slices.SortStableFunc(tried, func(a, b protoreflect.MethodDescriptor) int { return removes(a) - removes(b) })
		passed := 0
		for _, method := range tried {
			request, _ := of.request(t, w, method)
			if err := call(t, w.first.Owner, method, request); err == nil {
				passed++
				w.restore(t, string(method.Name()), nil)
			}
		}
		if len(tried) < 73 || passed < 40 {
			t.Errorf("the owner could make only %d calls of %d", passed, len(tried))
		}
	})
}

// removes returns 1 for a method that removes something, and 0 for others.
func removes(method protoreflect.MethodDescriptor) int {
	if strings.Contains(string(method.Name()), "Remove") {
		return 1
	}
	return 0
}
