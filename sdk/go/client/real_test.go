//go:build unix

package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	eventv1 "github.com/bastide-id/bastide/gen/zitadel/event/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server/servertest"
)

// protocols are the ways that a client can make calls.
var protocols = map[string][]client.Option{
	"connect":  nil,
	"grpc":     {client.WithGRPC()},
	"grpc-web": {client.WithGRPCWeb()},
}

// connected returns a client of the URL by the options.
func connected(t *testing.T, url string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(t.Context(), url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// eachProtocol runs a test by each protocol, on a server with each database.
func eachProtocol(t *testing.T, test func(*testing.T, *servertest.Server, []client.Option), options ...servertest.Option) {
	t.Helper()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for name, protocol := range protocols {
			t.Run(name, func(t *testing.T) { test(t, s, slices.Clip(protocol)) })
		}
	}, options...)
}

func ownerKey(s *servertest.Server) client.Option {
	return client.WithKeyFile(filepath.Join(s.DataDir, "owner.key.json"))
}

func systemKey(s *servertest.Server) client.Option {
	return client.WithSystemKey("system", filepath.Join(s.DataDir, "system.key.pem"))
}

func TestCredentials(t *testing.T) {
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		key, err := os.ReadFile(filepath.Join(s.DataDir, "owner.key.json"))
		if err != nil {
			t.Fatal(err)
		}
		for name, option := range map[string]client.Option{
			"token":      client.WithToken(s.OwnerToken),
			"token file": client.WithTokenFile(filepath.Join(s.DataDir, "owner.pat")),
			"key file":   ownerKey(s),
			"key":        client.WithKey(key),
		} {
			me, err := connected(t, s.URL, append(protocol, option)...).Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			if err != nil || me.GetUser().GetUserName() != "owner" {
				t.Errorf("%s: %v, %v", name, me, err)
			}
		}
		if _, err := connected(t, s.URL, append(protocol, systemKey(s))...).System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{}); err != nil {
			t.Error(err)
		}
		nobody := connected(t, s.URL, append(protocol, client.WithoutCredential())...)
		if _, err := nobody.Auth.Healthz(t.Context(), &authv1.HealthzRequest{}); err != nil {
			t.Error(err)
		}
		if _, err := nobody.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}); !errors.Is(err, client.Unauthenticated) {
			t.Errorf("nobody got %v", err)
		}
	})
}

// A tenant is made and its owner's key used at once, on the tenant's own host
// under .localhost, and by the host as an option.
func TestTenant(t *testing.T) {
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.ToLower(t.Name()))
		name = name[strings.LastIndex(name, "tenant-")+len("tenant-"):]
		domain := name + ".localhost"
		made, err := connected(t, s.URL, append(protocol, systemKey(s))...).System.CreateInstance(t.Context(), &systemv1.CreateInstanceRequest{
			InstanceName: name, CustomDomain: domain,
			Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
				UserName: "root", Name: "Root",
				MachineKey: &systemv1.CreateInstanceRequest_MachineKey{Type: authnv1.KeyType_KEY_TYPE_JSON},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		key := client.WithKey(made.GetMachineKey())
		port := s.Address[strings.LastIndex(s.Address, ":"):]
		for address, options := range map[string][]client.Option{
			"http://" + domain + port: nil,
			s.URL:                     {client.WithHost(domain)},
			"http://127.0.0.1" + port: {client.WithHost(domain + port)},
		} {
			c := connected(t, address, append(append(protocol, options...), key)...)
			me, err := c.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
			if err != nil || me.GetUser().GetUserName() != "root" {
				t.Errorf("%s: %v, %v", address, me, err)
			}
		}
	})
}

func TestOrganization(t *testing.T) {
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		owner := connected(t, s.URL, append(protocol, ownerKey(s))...)
		other, err := owner.Management.AddOrg(t.Context(), &managementv1.AddOrgRequest{Name: t.Name()})
		if err != nil {
			t.Fatal(err)
		}
		there := connected(t, s.URL, append(protocol, ownerKey(s), client.WithOrganization(other.GetId()))...)
		here, err := owner.Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]func() (*managementv1.GetMyOrgResponse, error){
			"option": func() (*managementv1.GetMyOrgResponse, error) {
				return there.Management.GetMyOrg(t.Context(), &managementv1.GetMyOrgRequest{})
			},
			"per call": func() (*managementv1.GetMyOrgResponse, error) {
				return owner.Management.GetMyOrg(client.InOrganization(t.Context(), other.GetId()), &managementv1.GetMyOrgRequest{})
			},
		} {
			if answer, err := got(); err != nil || answer.GetOrg().GetId() != other.GetId() {
				t.Errorf("%s: %v, %v", name, answer, err)
			}
		}
		own, err := there.Management.GetMyOrg(client.InOrganization(t.Context(), ""), &managementv1.GetMyOrgRequest{})
		if err != nil || own.GetOrg().GetId() != here.GetOrg().GetId() {
			t.Errorf("the caller's own: %v, %v", own, err)
		}
		_, err = owner.Management.GetMyOrg(client.InOrganization(t.Context(), "a b"), &managementv1.GetMyOrgRequest{})
		if !errors.Is(err, client.InvalidArgument) || !strings.Contains(err.Error(), "InOrganization") {
			t.Errorf("a bad id: %v", err)
		}
	})
}

func TestErrors(t *testing.T) {
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		c := connected(t, s.URL, append(protocol, ownerKey(s))...)
		_, err := c.Management.GetUserByID(t.Context(), &managementv1.GetUserByIDRequest{Id: "nobody"})
		var e *client.Error
		switch {
		case !errors.Is(err, client.NotFound), errors.Is(err, client.Internal), connect.CodeOf(err) != connect.CodeNotFound, !errors.As(err, &e):
			t.Fatalf("the error is %v", err)
		case e.Code != connect.CodeNotFound, e.ID == "", e.Message == "", len(e.Violations) != 0, e.Error() != "not_found: "+e.Message:
			t.Errorf("the error is %+v", e)
		}
		_, err = c.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{Name: strings.Repeat("n", 300)})
		if !errors.As(err, &e) || e.Code != connect.CodeInvalidArgument || e.ID == "" {
			t.Fatalf("the error is %v", err)
		}
		fields := map[string]client.Violation{}
		for _, v := range e.Violations {
			fields[v.Field] = v
		}
		if len(fields) != 2 || fields["name"].Rule != "string.max_len" || fields["user_name"].Rule == "" || fields["user_name"].Message == "" {
			t.Errorf("the violations are %+v", e.Violations)
		}
		_, err = c.Management.ListUsers(t.Context(), &managementv1.ListUsersRequest{Queries: []*userv1.SearchQuery{
			{Query: &userv1.SearchQuery_UserNameQuery{UserNameQuery: &userv1.UserNameQuery{UserName: strings.Repeat("n", 30000)}}},
		}})
		if !errors.As(err, &e) || len(e.Violations) != 1 || e.Violations[0].Field != "queries[0].user_name_query.user_name" {
			t.Errorf("the error is %+v", e)
		}
	})
}

func TestAll(t *testing.T) {
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		c := connected(t, s.URL, append(protocol, client.WithToken(s.OwnerToken))...)
		prefix := t.Name() + "/"
		var want []string
		for i := range 7 {
			name := fmt.Sprintf("%s-%d", prefix, i)
			if _, err := c.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name}); err != nil {
				t.Fatal(err)
			}
			want = append(want, name)
		}
		request := &managementv1.ListUsersRequest{
			Query:         &zitadelv1.ListQuery{Limit: 3, Asc: true},
			SortingColumn: userv1.UserFieldName_USER_FIELD_NAME_USER_NAME,
			Queries: []*userv1.SearchQuery{{Query: &userv1.SearchQuery_UserNameQuery{UserNameQuery: &userv1.UserNameQuery{
				UserName: prefix, Method: zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_STARTS_WITH,
			}}}},
		}
		for range 2 { // ranging over it once more begins anew
			var got []string
			for user, err := range client.All(t.Context(), c.Management.ListUsers, request) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, user.GetUserName())
				request.Query.Asc = true
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, not %q", got, want)
			}
		}
		first, next, err := client.Page(t.Context(), c.Management.ListUsers, request, "")
		if err != nil || len(first.GetResult()) != 3 || next == "" {
			t.Fatalf("the first page has %d, then %q: %v", len(first.GetResult()), next, err)
		}
		request.Query.Limit = 100
		rest, next, err := client.Page(t.Context(), c.Management.ListUsers, request, next)
		if err != nil || len(rest.GetResult()) != 4 || next != "" {
			t.Errorf("the second page has %d, then %q: %v", len(rest.GetResult()), next, err)
		}
		for _, token := range []string{"forged", "two words"} {
			if _, _, err := client.Page(t.Context(), c.Management.ListUsers, request, token); !errors.Is(err, client.InvalidArgument) {
				t.Errorf("the page token %q: %v", token, err)
			}
		}
		var event *eventv1.Event
		for event, err = range client.AllOf(t.Context(), c.Admin.ListEvents, &adminv1.ListEventsRequest{}, (*adminv1.ListEventsResponse).GetEvents) {
			break
		}
		if err != nil || event.GetSequence() == 0 {
			t.Errorf("the first event is %v: %v", event, err)
		}
	})
}

func TestCall(t *testing.T) {
	service := managementv1.File_zitadel_management_v1_management_service_proto.Services().ByName("ManagementService").Methods()
	eachProtocol(t, func(t *testing.T, s *servertest.Server, protocol []client.Option) {
		c := connected(t, s.URL, append(protocol, client.WithToken(s.OwnerToken))...)
		method := service.ByName("GetUserByLoginNameGlobal")
		fields := method.Input().Fields()
		request, response := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
		request.Set(fields.ByName("login_name"), protoreflect.ValueOfString("owner"))
		if err := c.Call(t.Context(), method, request, response); err != nil || !strings.Contains(response.String(), `"owner"`) {
			t.Errorf("dynamic: %v: %v", response, err)
		}
		typed := &managementv1.GetUserByLoginNameGlobalResponse{User: &userv1.User{Id: "replaced"}}
		err := c.Call(t.Context(), method, &managementv1.GetUserByLoginNameGlobalRequest{LoginName: "owner"}, typed)
		if err != nil || typed.GetUser().GetUserName() != "owner" {
			t.Errorf("generated: %v: %v", typed, err)
		}
		err = c.Call(t.Context(), method, &managementv1.GetUserByLoginNameGlobalRequest{LoginName: "nobody"}, typed)
		if e := new(client.Error); !errors.As(err, &e) || e.Code != connect.CodeNotFound || e.ID == "" {
			t.Errorf("an unknown name: %v", err)
		}
		list := service.ByName("ListUsers")
		users := 0
		for range 2 {
			page := func(ctx context.Context, request *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
				response := new(managementv1.ListUsersResponse)
				return response, c.Call(ctx, list, request, response)
			}
			for _, err := range client.All(t.Context(), page, &managementv1.ListUsersRequest{Query: &zitadelv1.ListQuery{Limit: 1}}) {
				if err != nil {
					t.Fatal(err)
				}
				users++
			}
		}
		if users == 0 {
			t.Error("there are no users")
		}
	})
}

// A server that is addressed by another URL than its external one has to be
// named.
func TestAudience(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		behind, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		through := httpClientFunc(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Scheme, r.URL.Host, r.Host = behind.Scheme, behind.Host, ""
			return http.DefaultClient.Do(r)
		})
		options := []client.Option{client.WithHTTPClient(through), ownerKey(s)}
		_, err = connected(t, "https://proxy.example.com", options...).Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{})
		if !errors.Is(err, client.Unauthenticated) || !strings.Contains(err.Error(), "the key was refused") {
			t.Errorf("without the audience: %v", err)
		}
		named := connected(t, "https://proxy.example.com", append(options, client.WithAudience(s.URL))...)
		if _, err := named.Auth.GetMyUser(t.Context(), &authv1.GetMyUserRequest{}); err != nil {
			t.Errorf("with the audience: %v", err)
		}
	})
}

// httpClientFunc is an HTTP client made of a function.
type httpClientFunc func(*http.Request) (*http.Response, error)

func (f httpClientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }
