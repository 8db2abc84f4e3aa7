package compat

import (
	"context"
	"net"
	"testing"

	"github.com/zitadel/zitadel-go/v3/pkg/client"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/authn"
	"github.com/zitadel/zitadel-go/v3/pkg/client/zitadel/system"
	"github.com/zitadel/zitadel-go/v3/pkg/zitadel"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// connect returns a client of zitadel-go to a host of the server.
func connect(t *testing.T, host string, auth client.TokenSourceInitializer) *client.Client {
	t.Helper()
	// The client fetches its tokens with this context, also later.
	c, err := client.New(t.Context(), zitadel.New(host, zitadel.WithInsecure(running.url.Port())), client.WithAuth(auth),
		client.WithGRPCDialOptions(grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return dial(ctx, "tcp", address) })))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asOwner returns a client with the token of the first instance's owner.
func asOwner(t *testing.T) *client.Client {
	t.Helper()
	return connect(t, "localhost", client.PAT(running.file(t, "owner.pat")))
}

// in returns a context that chooses an organization.
func in(ctx context.Context, organizationID string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-zitadel-orgid", organizationID)
}

// ok ends the test if a call failed, and returns what it answered.
func ok[M any](answer M, err error) func(*testing.T) M {
	return func(t *testing.T) M {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused checks the code of a call that had to fail.
func refused(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("the call answered %v: want %s", err, want)
	}
}

// newMachineTenant returns an instance of which a machine is the owner, with the
// key and the token of that.
func newMachineTenant(t *testing.T, host string) *system.CreateInstanceResponse {
	t.Helper()
	return ok(asSystem(t).CreateInstance(t.Context(), &system.CreateInstanceRequest{
		InstanceName: "Compat", CustomDomain: host,
		Owner: &system.CreateInstanceRequest_Machine_{Machine: &system.CreateInstanceRequest_Machine{
			UserName: "owner", Name: "Owner",
			PersonalAccessToken: &system.CreateInstanceRequest_PersonalAccessToken{},
			MachineKey:          &system.CreateInstanceRequest_MachineKey{Type: authn.KeyType_KEY_TYPE_JSON},
		}},
	}))(t)
}

// The client authenticates with what the server handed out: the token, the key
// file, and, to the System API, the key of a system user. The key and token of
// a new tenant work the moment they are answered.
func TestGoCredentials(t *testing.T) {
	ctx := t.Context()
	byToken := ok(asOwner(t).AuthService().GetMyUser(ctx, nil))(t).GetUser()
	key := ok(client.ConfigFromKeyFileData([]byte(running.file(t, "owner.key.json"))))(t)
	byKey := connect(t, "localhost", client.AuthenticationJWTProfile(key, "openid", client.ScopeZitadelAPI()))
	if got := ok(byKey.AuthService().GetMyUser(ctx, nil))(t).GetUser(); got.GetId() == "" || got.GetId() != byToken.GetId() {
		t.Errorf("the key file is of %q, the token of %q", got.GetId(), byToken.GetId())
	}

	made := newMachineTenant(t, "compat.localhost")
	tenant := connect(t, "compat.localhost", client.PAT(made.GetPat()))
	if got := ok(tenant.AdminService().GetMyInstance(ctx, nil))(t).GetInstance().GetId(); got != made.GetInstanceId() {
		t.Errorf("the new tenant is %q, want %q", got, made.GetInstanceId())
	}
	tenantKey := ok(client.ConfigFromKeyFileData(made.GetMachineKey()))(t)
	byTenantKey := connect(t, "compat.localhost", client.AuthenticationJWTProfile(tenantKey, "openid", client.ScopeZitadelAPI()))
	ok(byTenantKey.ManagementService().GetMyOrg(ctx, nil))(t)

	_, err := connect(t, "localhost", client.PAT(made.GetPat())).AuthService().GetMyUser(ctx, nil)
	refused(t, err, codes.Unauthenticated) // of another tenant
	ok(asSystem(t).RemoveInstance(ctx, &system.RemoveInstanceRequest{InstanceId: made.GetInstanceId()}))(t)
}
