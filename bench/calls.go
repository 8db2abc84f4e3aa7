package main

import (
	"slices"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
)

// call is a call that is measured: of an API, or of OAuth.
type call struct {
	name      string
	procedure string
	// verb and path are those of REST. {instance_id} is the first instance's.
	verb, path string
	// system tells that a system user makes the call, else the owner of the
	// first instance does.
	system bool
	// request returns the message to send.
	request func(instanceID string) proto.Message
	// response is an empty answer.
	response proto.Message

	// plain returns the bytes that a call of OAuth sends, which has nothing of
	// the above but its name; nil for the others.
	plain func(target) []byte
	// proof is in a good answer of OAuth.
	proof string
}

// over returns the protocols that the call is measured over, of those chosen
// for the APIs.
func (c call) over(protocols []string) []string {
	if c.plain != nil {
		return []string{oauthHTTP}
	}
	return protocols
}

// message returns what the call sends to an API; nil for one of OAuth.
func (c call) message(instanceID string) proto.Message {
	if c.plain != nil {
		return nil
	}
	return c.request(instanceID)
}

const (
	nameCreateInstance = "CreateInstance"
	nameGetMyUser      = "GetMyUser"
	nameJWTProfile     = "JWTProfile"
	nameIntrospection  = "Introspection"
	nameUserinfo       = "Userinfo"
)

// calls are those that a report shows, in its order.
var calls = []call{
	{
		name: nameCreateInstance, procedure: systemv1connect.SystemServiceCreateInstanceProcedure,
		verb: "POST", path: "/system/v1/instances/_create", system: true,
		request:  func(string) proto.Message { return newInstance(false) },
		response: &systemv1.CreateInstanceResponse{},
	},
	{
		name: "ListIAMMembers", procedure: systemv1connect.SystemServiceListIAMMembersProcedure,
		verb: "POST", path: "/system/v1/instances/{instance_id}/members/_search", system: true,
		request: func(instanceID string) proto.Message {
			return &systemv1.ListIAMMembersRequest{InstanceId: instanceID}
		},
		response: &systemv1.ListIAMMembersResponse{},
	},
	{
		name: "GetMyInstance", procedure: adminv1connect.AdminServiceGetMyInstanceProcedure,
		verb: "GET", path: "/admin/v1/instances/me",
		request:  func(string) proto.Message { return &adminv1.GetMyInstanceRequest{} },
		response: &adminv1.GetMyInstanceResponse{},
	},
	{
		name: "GetMyOrg", procedure: managementv1connect.ManagementServiceGetMyOrgProcedure,
		verb: "GET", path: "/management/v1/orgs/me",
		request:  func(string) proto.Message { return &managementv1.GetMyOrgRequest{} },
		response: &managementv1.GetMyOrgResponse{},
	},
	{
		name: nameGetMyUser, procedure: authv1connect.AuthServiceGetMyUserProcedure,
		verb: "GET", path: "/auth/v1/users/me",
		request:  func(string) proto.Message { return &authv1.GetMyUserRequest{} },
		response: &authv1.GetMyUserResponse{},
	},
	{
		name:  nameJWTProfile,
		plain: func(t target) []byte { return t.jwtProfile(scopeAPI) }, proof: `"access_token":`,
	},
	{name: nameIntrospection, plain: target.introspection, proof: `"active":true`},
	{name: nameUserinfo, plain: target.userinfo, proof: `"sub":`},
}

// newInstance returns the request for an instance with a machine that owns it
// and has a token, and a key too if wanted.
func newInstance(key bool) *systemv1.CreateInstanceRequest {
	machine := &systemv1.CreateInstanceRequest_Machine{
		UserName:            "owner",
		Name:                "Owner",
		PersonalAccessToken: &systemv1.CreateInstanceRequest_PersonalAccessToken{},
	}
	if key {
		machine.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: authnv1.KeyType_KEY_TYPE_JSON}
	}
	return &systemv1.CreateInstanceRequest{
		InstanceName: "Bench",
		Owner:        &systemv1.CreateInstanceRequest_Machine_{Machine: machine},
	}
}

func callNames() []string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.name
	}
	return names
}

// chosen returns the calls of the names. Those that make the database grow come
// last, so that the others are measured on a small one.
func chosen(names []string) []call {
	found := slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return !slices.Contains(names, c.name) })
	slices.SortStableFunc(found, func(a, b call) int { return growth(a) - growth(b) })
	return found
}

// growth returns how much larger a call makes the database, compared with
// others.
func growth(c call) int {
	return slices.Index([]string{nameJWTProfile, nameCreateInstance}, c.name)
}
