package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	"github.com/bastide-id/bastide/server/wire"
)

func dial(t *testing.T, f *fixture) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+ownHost+":443",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", f.addr)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGRPCClient(t *testing.T) {
	f := start(t, nil)
	conn := dial(t, f)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+ownerToken, "x-zitadel-orgid", "")
	var me authv1.GetMyUserResponse
	if err := conn.Invoke(ctx, "/zitadel.auth.v1.AuthService/GetMyUser", &authv1.GetMyUserRequest{}, &me); err != nil || me.GetUser().GetId() != "u1" {
		t.Errorf("%v, %v", &me, err)
	}
	if f.services.instance.Origin != "http://own.test:443" {
		t.Errorf("origin %q", f.services.instance.Origin)
	}
	add := func(r *managementv1.AddMachineUserRequest, options ...grpc.CallOption) error {
		return conn.Invoke(ctx, "/zitadel.management.v1.ManagementService/AddMachineUser", r, &managementv1.AddMachineUserResponse{}, options...)
	}
	if err := add(machine(), grpc.UseCompressor(gzip.Name)); err != nil || f.services.machine.GetUserName() != "robot" {
		t.Errorf("compressed: %v", err)
	}
	err := add(&managementv1.AddMachineUserRequest{})
	details := status.Convert(err).Details()
	if status.Code(err) != codes.InvalidArgument || len(details) != 2 {
		t.Fatalf("%v, details %v", err, details)
	}
	if v, ok := details[1].(*validate.Violations); !ok || len(v.GetViolations()) != 2 {
		t.Errorf("details %v", details)
	}
	big := machine()
	big.Description = strings.Repeat("x", 3<<20)
	if err := add(big); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("too large: %v", err)
	}
	if err := conn.Invoke(ctx, "/zitadel.user.v2.UserService/AddHumanUser", machine(), machine()); status.Code(err) != codes.Unimplemented {
		t.Errorf("unknown service: %v", err)
	}
	if err := conn.Invoke(t.Context(), "/zitadel.auth.v1.AuthService/GetMyUser", &authv1.GetMyUserRequest{}, &me); status.Code(err) != codes.Unauthenticated {
		t.Errorf("no token: %v", err)
	}
}

func TestConnectClients(t *testing.T) {
	f := start(t, nil)
	for name, options := range map[string][]connect.ClientOption{
		"connect":      nil,
		"connect json": {connect.WithProtoJSON()},
		"connect gzip": {connect.WithSendGzip()},
		"grpc":         {connect.WithGRPC(), connect.WithSendGzip()},
		"grpc-web":     {connect.WithGRPCWeb()},
	} {
		httpClient := client1
		if name == "grpc" {
			httpClient = client2
		}
		options = append(options, connect.WithInterceptors(connect.UnaryInterceptorFunc(asOwner)))
		client := managementv1connect.NewManagementServiceClient(httpClient, "http://"+f.addr, options...)
		added, err := client.AddMachineUser(t.Context(), machine())
		if err != nil || added.GetUserId() != "u9" {
			t.Errorf("%s: %v, %v", name, added, err)
		}
		_, err = client.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: "x"})
		var e *connect.Error
		if !errors.As(err, &e) || e.Code() != connect.CodeInvalidArgument || len(e.Details()) != 2 || e.Message() == "" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := client.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func asOwner(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+ownerToken)
		return next(ctx, r)
	}
}

// TestTLS speaks HTTP/2 under TLS, as negotiated.
func TestTLS(t *testing.T) {
	f := start(t, nil)
	plain := f.wire.Server(nil)
	handler, err := mustWire(t, f).Handler(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain.Handler = handler
	server := httptest.NewUnstartedServer(handler)
	server.Config = plain
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	client := &http.Client{Transport: &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	res, err := client.Get(server.URL + "/debug/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != 200 {
		t.Errorf("%s %d", res.Proto, res.StatusCode)
	}
}

// mustWire returns another wire like that of the fixture.
func mustWire(t *testing.T, f *fixture) *wire.Wire {
	t.Helper()
	w, err := wire.New(f.config)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
