//go:build unix

package contract

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/servertest"
)

// undeclared are methods that clients know and this server does not have: of
// services that it has, and of others.
var undeclared = []struct{ method, verb, path string }{
	{"zitadel.management.v1.ManagementService/ListProjectMembers", "POST", "/management/v1/projects/1/members/_search"},
	{"zitadel.management.v1.ManagementService/ListProjectGrants", "POST", "/management/v1/projects/1/grants/_search"},
	{"zitadel.management.v1.ManagementService/ListActions", "POST", "/management/v1/actions/_search"},
	{"zitadel.admin.v1.AdminService/GetSMTPConfig", "GET", "/admin/v1/smtp"},
	{"zitadel.admin.v1.AdminService/ListIDPs", "POST", "/admin/v1/idps/_search"},
	{"zitadel.admin.v1.AdminService/ExportData", "POST", "/admin/v1/export"},
	{"zitadel.auth.v1.AuthService/ListMyUserSessions", "POST", "/auth/v1/users/me/sessions/_search"},
	{"zitadel.auth.v1.AuthService/GetMyLoginPolicy", "GET", "/auth/v1/policies/login"},
	{"zitadel.system.v1.SystemService/ListViews", "POST", "/system/v1/views/_search"},
	{"zitadel.system.v1.SystemService/SetInstanceFeature", "PUT", "/system/v1/instances/1/features/1"},
	{"zitadel.org.v2.OrganizationService/ListOrganizations", "POST", "/v2/organizations/_search"},
	{"zitadel.user.v2.UserService/AddHumanUser", "POST", "/v2/users/human"},
	{"zitadel.webkey.v2beta.WebKeyService/CreateWebKey", "POST", "/v2beta/web_keys"},
	{"zitadel.session.v2.SessionService/CreateSession", "POST", "/v2/sessions"},
}

// What is not declared is answered as such, whoever calls.
func TestUndeclared(t *testing.T) {
	s := servertest.Installed(t, servertest.SQLite).Start(t)
	owner, nobody := s.First(t).Owner, s.As("")
	http2 := &http.Transport{Protocols: new(http.Protocols)}
	http2.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(http2.CloseIdleConnections)
	client := &http.Client{Transport: http2}
	for _, u := range undeclared {
		t.Run(u.method, func(t *testing.T) {
			name := protoreflect.FullName(strings.Replace(u.method, "/", ".", 1))
			if _, err := protoregistry.GlobalFiles.FindDescriptorByName(name); err == nil {
				t.Fatal("it is declared now: take it off the table")
			}
			for protocol, options := range map[string][]connect.ClientOption{
				"connect": nil, "connect-json": {connect.WithProtoJSON()}, "grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()},
			} {
				for _, token := range []string{"", s.OwnerToken} {
					request := connect.NewRequest(&emptypb.Empty{})
					if token != "" {
						request.Header().Set("Authorization", "Bearer "+token)
					}
					_, err := connect.NewClient[emptypb.Empty, emptypb.Empty](client, s.URL+"/"+u.method, options...).CallUnary(t.Context(), request)
					if codeOf(err) != connect.CodeUnimplemented || faultOf(t, err) != fault.MethodUnknown.With("").ID() {
						t.Errorf("%s answered %v", protocol, err)
					}
				}
			}
			body := "{}"
			if u.verb == http.MethodGet {
				body = ""
			}
			for _, c := range []*servertest.Caller{owner, nobody} {
				if status, answer := c.REST(t, u.verb, u.path, body); status != http.StatusNotFound && status != http.StatusMethodNotAllowed && status != http.StatusNotImplemented {
					t.Errorf("%s %s answered %d %v", u.verb, u.path, status, answer)
				}
			}
		})
	}
}
