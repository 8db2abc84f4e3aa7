package client_test

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	orgv1 "github.com/bastide-id/bastide/gen/zitadel/org/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
)

// serverURL and ownerKeyFile are those of the server that the examples call: a small
// stand-in, for an example has no test that could start the true one.
var serverURL, ownerKeyFile string

func TestMain(m *testing.M) {
	os.Exit(withExampleServer(m))
}

func withExampleServer(m *testing.M) int {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ownerKeyFile = filepath.Join(dir, "owner.key.json")
	key, err := newKeyFile("owner", "key-1")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(ownerKeyFile, key, 0o600); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(authv1connect.NewAuthServiceHandler(exampleAuth{}))
	mux.Handle(managementv1connect.NewManagementServiceHandler(exampleManagement{}))
	mux.HandleFunc("POST /oauth/v2/token", func(w http.ResponseWriter, _ *http.Request) { giveToken(w, "token", 3600) })
	server := httptest.NewServer(mux)
	defer server.Close()
	serverURL = server.URL
	return m.Run()
}

type exampleAuth struct {
	authv1connect.UnimplementedAuthServiceHandler
}

func (exampleAuth) GetMyUser(context.Context, *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	return &authv1.GetMyUserResponse{User: &userv1.User{PreferredLoginName: "owner"}}, nil
}

type exampleManagement struct {
	managementv1connect.UnimplementedManagementServiceHandler
}

func (exampleManagement) ListUsers(ctx context.Context, r *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	if info.RequestHeader().Get("X-Bastide-Page-Token") == "second" {
		return &managementv1.ListUsersResponse{Result: []*userv1.User{{UserName: "owner"}}}, nil
	}
	info.ResponseHeader().Set("X-Bastide-Next-Page-Token", "second")
	return &managementv1.ListUsersResponse{Result: []*userv1.User{{UserName: "ada"}, {UserName: "grace"}}}, nil
}

func (exampleManagement) AddMachineUser(context.Context, *managementv1.AddMachineUserRequest) (*managementv1.AddMachineUserResponse, error) {
	err := connect.NewError(connect.CodeInvalidArgument, nil)
	for _, message := range []proto.Message{
		&zitadelv1.ErrorDetail{Id: "request.invalid"},
		&validate.Violations{Violations: []*validate.Violation{{
			Field:  &validate.FieldPath{Elements: []*validate.FieldPathElement{{FieldName: proto.String("name")}}},
			RuleId: proto.String("string.min_len"),
		}}},
	} {
		if detail, detailErr := connect.NewErrorDetail(message); detailErr == nil {
			err.AddDetail(detail)
		}
	}
	return nil, err
}

func (exampleManagement) GetMyOrg(ctx context.Context, _ *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	return &managementv1.GetMyOrgResponse{Org: &orgv1.Org{Id: cmp.Or(info.RequestHeader().Get("X-Zitadel-Orgid"), "own")}}, nil
}
